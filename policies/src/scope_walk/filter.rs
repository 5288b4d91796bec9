//! Which entries a scope takes in.
//!
//! Owns the reading of a scope: rooms are what happened in them; persons are what they did
//! anywhere, their own streams (account, profile, devices) and what others did to their
//! membership; both together are what these persons did, or had done to their membership, in
//! these rooms. The staff's own records are in no scope. Headers decide, but for membership.

use std::collections::{BTreeSet, HashSet};

use facts::{
    EntryHeader, Fact, RecordClass, StreamId, Timestamp,
    fact::{FactBody, PduStored, ReceiptSet, Scope},
};
use serde::Deserialize;

/// A scope, made to be asked often.
#[derive(Clone, Debug)]
pub struct ScopeFilter {
    users: HashSet<StreamId>,
    user_names: BTreeSet<String>,
    rooms: HashSet<StreamId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Types of facts that are wanted; empty for all.
    types: Vec<u16>,
    /// Names of the rooms, where receipts for them are wanted too.
    receipts_of: Option<BTreeSet<String>>,
}

impl ScopeFilter {
    /// Everything in a scope.
    pub fn of(scope: &Scope) -> Self {
        Self {
            users: scope.users.iter().map(|user| user.stream).collect(),
            user_names: scope.users.iter().map(|user| user.name.clone()).collect(),
            rooms: scope.rooms.iter().map(|room| room.stream).collect(),
            from: scope.from,
            until: scope.until,
            types: Vec::new(),
            receipts_of: None,
        }
    }

    /// The same, with what was read of the rooms: receipts stand in their readers' streams, and
    /// only their content tells the room.
    #[must_use]
    pub fn with_receipts(mut self, scope: &Scope) -> Self {
        let rooms: BTreeSet<_> = scope.rooms.iter().map(|room| room.name.clone()).collect();
        self.receipts_of = (!rooms.is_empty()).then_some(rooms);
        self
    }

    /// Only facts of these types.
    #[must_use]
    pub fn only(mut self, types: &[u16]) -> Self {
        self.types = types.to_vec();
        self
    }

    /// Where the scope's time begins.
    pub(crate) fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// Whether the scope's time is over at `at`.
    pub(crate) fn ends_before(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= at)
    }

    /// Whether an entry may be in the scope, by its header. What it refuses is not in the scope.
    pub fn admits(&self, header: &EntryHeader) -> bool {
        let in_time = self.from.is_none_or(|from| from <= header.recorded_at)
            && !self.ends_before(header.recorded_at);
        let wanted = self.types.is_empty() || self.types.contains(&header.fact_type);
        if !in_time || !wanted || is_staff_record(header) {
            return false;
        }
        if self.receipts_of.is_some() && header.fact_type == ReceiptSet::TYPE {
            return self.users.is_empty() || self.is_of_users(header);
        }
        let in_rooms = self.rooms.is_empty() || self.rooms.contains(&header.stream);
        in_rooms && (self.users.is_empty() || self.is_of_users(header) || may_be_member(header))
    }

    /// Whether an opened entry that was admitted is in the scope. `fact` is `None` where its keys
    /// are destroyed: then the header has the say, and a membership is nobody's.
    pub fn confirms(&self, header: &EntryHeader, fact: Option<&Fact>) -> bool {
        if let Some(rooms) = &self.receipts_of
            && header.fact_type == ReceiptSet::TYPE
        {
            return matches!(fact, Some(Fact::ReceiptSet(receipt)) if rooms.contains(&receipt.room));
        }
        if self.users.is_empty() || self.is_of_users(header) {
            return true;
        }
        match fact {
            Some(Fact::PduStored(stored)) => self.is_membership_of_users(stored),
            _ => false,
        }
    }

    /// Whether an entry stands in the own stream of a person of the scope.
    pub(crate) fn is_own_stream(&self, header: &EntryHeader) -> bool {
        self.users.contains(&header.stream)
    }

    /// Whether the header alone tells that an entry that is admitted is in the scope.
    pub(crate) fn is_told_by_header(&self, header: &EntryHeader) -> bool {
        let by_content = self.receipts_of.is_some() && header.fact_type == ReceiptSet::TYPE;
        !by_content && (self.users.is_empty() || self.is_of_users(header))
    }

    /// Whether the scope names persons: what others did is then in it only where it is theirs.
    pub(crate) fn is_of_persons(&self) -> bool {
        !self.users.is_empty()
    }

    /// Whether every membership of a user in a room of the scope is in it.
    pub(crate) fn shows_member(&self, user: &str) -> bool {
        self.users.is_empty() || self.user_names.contains(user)
    }

    fn is_of_users(&self, header: &EntryHeader) -> bool {
        self.users.contains(&header.actor) || self.users.contains(&header.stream)
    }

    fn is_membership_of_users(&self, stored: &PduStored) -> bool {
        #[derive(Deserialize)]
        struct State {
            #[serde(rename = "type")]
            event_type: String,
            state_key: Option<String>,
        }
        serde_json::from_slice::<State>(&stored.redacted).is_ok_and(|event| {
            event.event_type == "m.room.member"
                && event.state_key.is_some_and(|key| self.user_names.contains(&key))
        })
    }
}

/// The content of a member event is the only state content that a person's key seals; one whose
/// content is empty has no such part.
fn may_be_member(header: &EntryHeader) -> bool {
    header.fact_type == PduStored::TYPE
        && match header.parts.as_slice() {
            [skeleton] => skeleton.class == RecordClass::StateSkeleton,
            [_, content] => {
                content.class == RecordClass::StateContent && content.person_tree.is_some()
            }
            _ => false,
        }
}

fn is_staff_record(header: &EntryHeader) -> bool {
    header
        .parts
        .iter()
        .any(|part| matches!(part.class, RecordClass::Governance | RecordClass::Audit))
}
