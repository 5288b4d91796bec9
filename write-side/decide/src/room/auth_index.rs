//! Reachability among a room's state events: who authorizes whom.
//!
//! Owns [`AuthIndex`]: for every placed state event its key, membership, verdict and auth events.
//! Conflicted subgraph and auth difference walk this index and read no PDU; it also names events
//! by position where a fact brings an earlier one back into the current state.

use facts::LogPosition;
use imbl::{HashMap, OrdMap};
use ruma::{EventId, OwnedEventId};
use serde::{Deserialize, Serialize};

use super::state::{StateEntry, StateKey};

/// What the index keeps of a state event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedEvent {
    /// Event id.
    #[serde(rename = "i")]
    pub event_id: OwnedEventId,
    /// (event type, state key).
    #[serde(rename = "k")]
    pub key: StateKey,
    /// `membership` of a member event.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<String>,
    /// Positions of its auth events.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<LogPosition>,
    /// True where its latest placement rejected it.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
}

/// All placed state events of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthIndex {
    events: OrdMap<LogPosition, IndexedEvent>,
    positions: HashMap<OwnedEventId, LogPosition>,
}

impl AuthIndex {
    /// The event at `position`.
    pub fn at(&self, position: LogPosition) -> Option<&IndexedEvent> {
        self.events.get(&position)
    }

    /// The position of an event.
    pub fn position_of(&self, event_id: &EventId) -> Option<LogPosition> {
        self.positions.get(event_id).copied()
    }

    /// The event at `position` as an entry of a state.
    pub fn state_entry(&self, position: LogPosition) -> Option<StateEntry> {
        self.at(position).map(|event| StateEntry { position, event_id: event.event_id.clone() })
    }

    /// Every event in order of positions.
    pub fn iter(&self) -> impl Iterator<Item = (&LogPosition, &IndexedEvent)> {
        self.events.iter()
    }

    /// How many events are indexed.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True where nothing is indexed.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Adds an event, in place of what was known of it.
    pub fn insert(&mut self, position: LogPosition, event: IndexedEvent) {
        self.positions.insert(event.event_id.clone(), position);
        self.events.insert(position, event);
    }

    /// What `newer` has and this has not, or has otherwise.
    pub(crate) fn added_in<'a>(
        &'a self,
        newer: &'a Self,
    ) -> impl Iterator<Item = (LogPosition, IndexedEvent)> + 'a {
        use imbl::ordmap::DiffItem;
        self.events.diff(&newer.events).filter_map(|item| match item {
            DiffItem::Add(position, event) | DiffItem::Update { new: (position, event), .. } => {
                Some((*position, event.clone()))
            }
            DiffItem::Remove(..) => None,
        })
    }
}

impl FromIterator<(LogPosition, IndexedEvent)> for AuthIndex {
    fn from_iter<I: IntoIterator<Item = (LogPosition, IndexedEvent)>>(events: I) -> Self {
        let mut index = Self::default();
        for (position, event) in events {
            index.insert(position, event);
        }
        index
    }
}
