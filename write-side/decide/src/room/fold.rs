//! The fold of a room: what deciding needs to know of its past.
//!
//! Owns [`RoomFold`] and its questions. It is pure data, cheap to clone (maps share structure),
//! and equal after a replay of the same facts (I7). Only [`RoomFold::evolve`] changes it.

use std::sync::Arc;

use facts::{LogPosition, Revision, StreamId, fact::ClientTxn};
use imbl::OrdMap;
use ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UserId,
    events::room::member::MembershipState, room_version_rules::RoomVersionRules,
};
use serde::{Deserialize, Serialize};

use super::{
    auth_index::AuthIndex,
    state::{RoomState, StateEntry, state_key},
    stored_fold::StoredFold,
};

/// The states after this many of the latest events are kept, beside those of the extremities.
pub const RECENT_STATES_MAX: usize = 64;
/// Gaps that are remembered; above it the oldest are forgotten, and backfill finds them again.
pub const GAPS_MAX: usize = 1_000;
/// Redactions that wait for their target; above it the oldest are forgotten.
pub const PENDING_REDACTIONS_MAX: usize = 1_000;
/// The latest client transactions, remembered in the fold. The index of the fold store has all of
/// the last 30 days; here are those that it may not have yet when a decision is made.
pub const TXNS_MAX: usize = 128;
/// Client transactions are forgotten after 30 days.
pub const TXN_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// A forward extremity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Position of the `PduStored` entry.
    pub position: LogPosition,
    /// Event id.
    pub event_id: OwnedEventId,
    /// Depth in the graph.
    pub depth: u64,
}

/// The state after an event that was placed lately.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recent {
    pub(crate) event_id: OwnedEventId,
    pub(crate) depth: u64,
    pub(crate) after: RoomState,
}

/// What is kept of a PDU that is stored but has no final place yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsettled {
    pub(crate) event_id: OwnedEventId,
    /// `None` where a stub is all that is left.
    pub(crate) sender: Option<OwnedUserId>,
    pub(crate) event_type: String,
    pub(crate) state_key: Option<String>,
    pub(crate) membership: Option<String>,
    pub(crate) prev_events: Vec<OwnedEventId>,
    pub(crate) auth_events: Vec<OwnedEventId>,
    pub(crate) redacts: Option<OwnedEventId>,
    pub(crate) depth: u64,
    pub(crate) origin_server_ts: u64,
    pub(crate) txn: Option<ClientTxn>,
}

/// A redaction in the graph that has not taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingRedaction {
    pub(crate) redaction: OwnedEventId,
    pub(crate) target: OwnedEventId,
}

/// A client transaction: (user, device, endpoint, transaction id). What tells most of them apart
/// comes first: keys are compared in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TxnKey {
    /// The client's transaction id.
    pub txn_id: String,
    /// User id.
    pub user: OwnedUserId,
    /// Device id.
    pub device_id: String,
    /// Endpoint, by ruma's name.
    pub endpoint: String,
}

impl TxnKey {
    /// The key of `txn` by `user`.
    pub fn new(user: &UserId, txn: &ClientTxn) -> Self {
        Self {
            user: user.to_owned(),
            device_id: txn.device_id.clone(),
            endpoint: txn.endpoint.clone(),
            txn_id: txn.txn_id.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TxnEntry {
    pub(crate) event_id: OwnedEventId,
    pub(crate) position: LogPosition,
    pub(crate) at_ms: u64,
}

/// What a room's facts add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredFold", into = "StoredFold")]
pub struct RoomFold {
    pub(crate) stream: StreamId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) revision: Revision,
    pub(crate) version: Option<RoomVersionId>,
    pub(crate) tips: Vec<Tip>,
    pub(crate) gaps: OrdMap<OwnedEventId, LogPosition>,
    pub(crate) state: RoomState,
    pub(crate) recent: OrdMap<LogPosition, Recent>,
    pub(crate) recent_ids: OrdMap<OwnedEventId, LogPosition>,
    pub(crate) index: AuthIndex,
    pub(crate) unsettled: OrdMap<LogPosition, Unsettled>,
    pub(crate) pending_redactions: OrdMap<LogPosition, PendingRedaction>,
    pub(crate) txns: OrdMap<Arc<TxnKey>, TxnEntry>,
    pub(crate) txn_order: OrdMap<LogPosition, Arc<TxnKey>>,
    pub(crate) next_index: i64,
    pub(crate) oldest_run: i64,
    pub(crate) published: bool,
}

impl RoomFold {
    /// A room of which only the stream's first entry is known.
    pub fn new(stream: StreamId, room_id: OwnedRoomId) -> Self {
        Self {
            stream,
            room_id,
            revision: Revision(0),
            version: None,
            tips: Vec::new(),
            gaps: OrdMap::new(),
            state: RoomState::new(),
            recent: OrdMap::new(),
            recent_ids: OrdMap::new(),
            index: AuthIndex::default(),
            unsettled: OrdMap::new(),
            pending_redactions: OrdMap::new(),
            txns: OrdMap::new(),
            txn_order: OrdMap::new(),
            next_index: 0,
            oldest_run: 0,
            published: false,
        }
    }

    /// The room's stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// The room id.
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// Revision of the last entry that was applied; the stream's first entry has 0.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The room's version, once its create event is known.
    pub fn version(&self) -> Option<&RoomVersionId> {
        self.version.as_ref()
    }

    /// The rules of the room's version.
    pub fn rules(&self) -> Option<RoomVersionRules> {
        self.version.as_ref().and_then(RoomVersionId::rules)
    }

    /// The current state.
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// The event that holds a place in the current state.
    pub fn state_entry(&self, event_type: &str, key: &str) -> Option<&StateEntry> {
        self.state.get(&state_key(&event_type, key))
    }

    /// The forward extremities, the newest last.
    pub fn tips(&self) -> &[Tip] {
        &self.tips
    }

    /// Events named as earlier ones by what we have, that were not placed lately: the backward
    /// extremities, and perhaps some that were placed long ago. Each with the position that names
    /// it.
    pub fn gaps(&self) -> impl Iterator<Item = (&EventId, LogPosition)> {
        self.gaps.iter().map(|(id, position)| (&**id, *position))
    }

    /// True where a placed event names `event_id` as an earlier one that we do not have.
    pub fn is_gap(&self, event_id: &EventId) -> bool {
        self.gaps.contains_key(event_id)
    }

    /// PDUs that are stored and not placed, or placed as outliers.
    pub fn unsettled(&self) -> impl Iterator<Item = (LogPosition, &EventId)> {
        self.unsettled.iter().map(|(position, pdu)| (*position, &*pdu.event_id))
    }

    /// The state after an event that was placed lately.
    pub fn state_after(&self, event_id: &EventId) -> Option<&RoomState> {
        let position = self.recent_ids.get(event_id)?;
        self.recent.get(position).map(|recent| &recent.after)
    }

    /// Position and state after an event that was placed lately.
    pub(crate) fn recent_with_state(
        &self,
        event_id: &EventId,
    ) -> Option<(LogPosition, &RoomState)> {
        let position = *self.recent_ids.get(event_id)?;
        let recent = self.recent.get(&position)?;
        Some((position, &recent.after))
    }

    /// The latest event after which the state is remembered.
    pub(crate) fn latest_with_state(&self) -> Option<(LogPosition, &RoomState)> {
        let (position, recent) = self.recent.get_max()?;
        Some((*position, &recent.after))
    }

    /// True where a merge event should be sent: above as many extremities as an event follows.
    pub fn wants_merge(&self) -> bool {
        self.tips.len() > super::new_event::PREV_EVENTS_MAX
    }

    /// The state events and what authorizes them.
    pub fn index(&self) -> &AuthIndex {
        &self.index
    }

    /// The event that a client's transaction made.
    pub fn txn(&self, key: &TxnKey) -> Option<&EventId> {
        self.txns.get(key).map(|entry| &*entry.event_id)
    }

    /// True while our directory lists the room.
    pub fn is_published(&self) -> bool {
        self.published
    }

    /// Index of the next live event in run 0 of the timeline.
    pub fn next_index(&self) -> i64 {
        self.next_index
    }

    /// The lowest run of the timeline that is in use; 0 where nothing was backfilled.
    pub fn oldest_run(&self) -> i64 {
        self.oldest_run
    }

    /// Depth of the next event.
    pub fn next_depth(&self) -> u64 {
        self.tips.iter().map(|tip| tip.depth).max().map_or(1, |depth| depth.saturating_add(1))
    }

    /// Redactions in the graph that wait for `target`.
    pub fn redactions_of(&self, target: &EventId) -> impl Iterator<Item = &EventId> {
        self.pending_redactions
            .values()
            .filter(move |pending| pending.target == target)
            .map(|pending| &*pending.redaction)
    }

    /// Membership in the current state; `Leave` for a stranger.
    pub fn membership(&self, user: &UserId) -> MembershipState {
        self.state_entry("m.room.member", user.as_str())
            .and_then(|entry| self.index.at(entry.position)?.membership.as_deref())
            .map_or(MembershipState::Leave, MembershipState::from)
    }

    /// Every user with a member event in the current state, with the membership.
    pub fn members(&self) -> impl Iterator<Item = (OwnedUserId, MembershipState)> + '_ {
        self.state
            .range(state_key("m.room.member", "")..)
            .take_while(|(key, _)| key.0 == "m.room.member")
            .filter_map(|(key, entry)| {
                let membership = self.index.at(entry.position)?.membership.as_deref()?;
                Some((UserId::parse(&key.1).ok()?, membership.into()))
            })
    }
}
