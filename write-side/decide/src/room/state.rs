//! Room state as a persistent map.
//!
//! Owns [`RoomState`] and differences between two of them. Maps share structure, so that keeping
//! the state after many events costs only what differs.

use facts::{EntryRef, LogPosition, fact::StateChange};
use imbl::{OrdMap, ordmap::DiffItem};
use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};

use super::provisional::entry_ref;

/// (event type, state key).
pub type StateKey = (String, String);

/// The event that holds a place in a room's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// Position of its `PduStored` entry.
    #[serde(rename = "p")]
    pub position: LogPosition,
    /// Its event id.
    #[serde(rename = "i")]
    pub event_id: OwnedEventId,
}

/// A room's state at some point.
pub type RoomState = OrdMap<StateKey, StateEntry>;

/// The key of `event_type` and `state_key`.
pub fn state_key(event_type: &(impl ToString + ?Sized), state_key: impl Into<String>) -> StateKey {
    (event_type.to_string(), state_key.into())
}

/// What makes `new` of `old`, in order of keys.
pub(crate) fn changes_between(old: &RoomState, new: &RoomState) -> Vec<StateChange> {
    old.diff(new)
        .filter_map(|item| match item {
            DiffItem::Add(key, entry) => Some(change(key, None, Some(entry))),
            DiffItem::Remove(key, entry) => Some(change(key, Some(entry), None)),
            DiffItem::Update { old: (key, old), new: (_, new) } => {
                (old != new).then(|| change(key, Some(old), Some(new)))
            }
        })
        .collect()
}

fn change(key: &StateKey, old: Option<&StateEntry>, new: Option<&StateEntry>) -> StateChange {
    let at = |entry: &StateEntry| -> EntryRef { entry_ref(entry.position) };
    StateChange(key.0.clone(), key.1.clone(), old.map(at), new.map(at))
}
