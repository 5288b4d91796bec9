//! What the default rules say of an event that names nobody, remembered by what they look at.
//!
//! An event that calls the whole room is never remembered: that depends on power levels.

use std::collections::HashMap;

use ruma::{OwnedUserId, UserId, push::Ruleset};

use super::{Outcome, default_rules};
use crate::bodies::EventBody;

/// Outcomes that are remembered, at most.
const MEMO_MAX: usize = 4_096;
/// Longest event type that is remembered.
const TYPE_BYTES_MAX: usize = 64;

/// Everything that default rules look at in an event that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Signature {
    event_type: String,
    state: Option<bool>,
    message_type: Option<String>,
    relation: Option<String>,
    membership: Option<String>,
    mentions: bool,
    members: u8,
    memorable: bool,
}

impl Signature {
    pub(super) fn of(event: &EventBody, joined: u32) -> Self {
        let head = event.head();
        let relation = head.rel_type.as_deref();
        let (message_type, membership) = (head.msgtype.as_deref(), head.membership.as_deref());
        let room_mention = head.mentions.as_ref().and_then(|mentions| mentions.room);
        let event_type = head.event_type.as_deref().unwrap_or_default();
        let short = |value: Option<&str>| value.is_none_or(|value| value.len() <= TYPE_BYTES_MAX);
        Self {
            memorable: room_mention != Some(true)
                && !head.names_room
                && [Some(event_type), message_type, relation, membership].into_iter().all(short),
            event_type: event_type.to_owned(),
            state: head.state_key.as_deref().map(str::is_empty),
            message_type: message_type.map(str::to_owned),
            relation: relation.map(str::to_owned),
            membership: membership.map(str::to_owned),
            mentions: head.mentions.is_some(),
            members: u8::try_from(joined.min(3)).unwrap_or(3),
        }
    }
}

/// Somebody who is nobody in particular.
pub(super) struct Nobody {
    pub(super) user_id: OwnedUserId,
    pub(super) rules: Ruleset,
}

/// Remembered outcomes.
pub(in crate::client_view) struct PushMemo {
    known: HashMap<Signature, Outcome>,
    nobody: std::sync::Arc<Nobody>,
}

impl PushMemo {
    pub(in crate::client_view) fn new(server_name: &str) -> Self {
        // A localpart that no text holds by chance; it names no account, for it is not a
        // localpart that registration takes.
        let name = format!("@\u{1}nobody\u{1}:{server_name}");
        let user_id = UserId::parse(name)
            .or_else(|_| UserId::parse("@_nobody.in.particular_:invalid"))
            .expect("the constant is a user id");
        Self {
            known: HashMap::new(),
            nobody: std::sync::Arc::new(Nobody { rules: default_rules(&user_id), user_id }),
        }
    }

    pub(super) fn nobody(&self) -> std::sync::Arc<Nobody> {
        self.nobody.clone()
    }

    pub(super) fn known(&self, signature: &Signature) -> Option<Outcome> {
        self.known.get(signature).copied()
    }

    pub(super) fn remember(&mut self, signature: Signature, outcome: Outcome) {
        if !signature.memorable {
            return;
        }
        if self.known.len() >= MEMO_MAX {
            self.known.clear();
        }
        self.known.insert(signature, outcome);
    }
}
