//! The fold as it is written.
//!
//! States after recent events are written as differences from the current state, so that a
//! written fold is as large as one state. The fold store is deletable: this form may change.

use std::sync::Arc;

use facts::{LogPosition, Revision, StreamId};
use imbl::OrdMap;
use ruma::{OwnedEventId, OwnedRoomId, RoomVersionId};
use serde::{Deserialize, Serialize};

use super::{
    auth_index::{AuthIndex, IndexedEvent},
    fold::{PendingRedaction, Recent, RoomFold, Tip, TxnEntry, TxnKey, Unsettled},
    state::{RoomState, StateEntry, StateKey},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredRecent {
    position: LogPosition,
    event_id: OwnedEventId,
    depth: u64,
    differs: Vec<(StateKey, Option<StateEntry>)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredFold {
    stream: StreamId,
    room_id: OwnedRoomId,
    revision: Revision,
    version: Option<RoomVersionId>,
    tips: Vec<Tip>,
    gaps: Vec<(OwnedEventId, LogPosition)>,
    pub(super) state: Vec<(StateKey, StateEntry)>,
    recent: Vec<StoredRecent>,
    pub(super) index: Vec<(LogPosition, IndexedEvent)>,
    unsettled: Vec<(LogPosition, Unsettled)>,
    pending_redactions: Vec<(LogPosition, PendingRedaction)>,
    txns: Vec<(Arc<TxnKey>, TxnEntry)>,
    next_index: i64,
    oldest_run: i64,
    published: bool,
}

fn pairs<K: Clone + Ord, V: Clone>(map: &OrdMap<K, V>) -> Vec<(K, V)> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// (key, entry in `to`) wherever `to` is not as `from`.
pub(crate) fn differences(from: &RoomState, to: &RoomState) -> Vec<(StateKey, Option<StateEntry>)> {
    use imbl::ordmap::DiffItem;
    from.diff(to)
        .map(|item| match item {
            DiffItem::Add(key, entry) | DiffItem::Update { new: (key, entry), .. } => {
                (key.clone(), Some(entry.clone()))
            }
            DiffItem::Remove(key, _) => (key.clone(), None),
        })
        .collect()
}

/// `state` with `differences` applied.
pub(crate) fn with_differences(
    state: &RoomState,
    differences: impl IntoIterator<Item = (StateKey, Option<StateEntry>)>,
) -> RoomState {
    let mut state = state.clone();
    for (key, entry) in differences {
        match entry {
            Some(entry) => state.insert(key, entry),
            None => state.remove(&key),
        };
    }
    state
}

impl From<RoomFold> for StoredFold {
    fn from(fold: RoomFold) -> Self {
        Self {
            recent: fold
                .recent
                .iter()
                .map(|(position, recent)| StoredRecent {
                    position: *position,
                    event_id: recent.event_id.clone(),
                    depth: recent.depth,
                    differs: differences(&fold.state, &recent.after),
                })
                .collect(),
            gaps: pairs(&fold.gaps),
            state: pairs(&fold.state),
            index: fold.index.iter().map(|(position, event)| (*position, event.clone())).collect(),
            unsettled: pairs(&fold.unsettled),
            pending_redactions: pairs(&fold.pending_redactions),
            txns: pairs(&fold.txns),
            stream: fold.stream,
            room_id: fold.room_id,
            revision: fold.revision,
            version: fold.version,
            tips: fold.tips,
            next_index: fold.next_index,
            oldest_run: fold.oldest_run,
            published: fold.published,
        }
    }
}

impl From<StoredFold> for RoomFold {
    fn from(stored: StoredFold) -> Self {
        let state: RoomState = stored.state.into_iter().collect();
        let recent: OrdMap<LogPosition, Recent> = stored
            .recent
            .into_iter()
            .map(|recent| {
                let kept = Recent {
                    event_id: recent.event_id,
                    depth: recent.depth,
                    after: with_differences(&state, recent.differs),
                };
                (recent.position, kept)
            })
            .collect();
        Self {
            stream: stored.stream,
            room_id: stored.room_id,
            revision: stored.revision,
            version: stored.version,
            tips: stored.tips,
            gaps: stored.gaps.into_iter().collect(),
            recent_ids: recent
                .iter()
                .map(|(position, recent)| (recent.event_id.clone(), *position))
                .collect(),
            recent,
            state,
            index: stored.index.into_iter().collect::<AuthIndex>(),
            unsettled: stored.unsettled.into_iter().collect(),
            pending_redactions: stored.pending_redactions.into_iter().collect(),
            txn_order: stored
                .txns
                .iter()
                .map(|(key, entry)| (entry.position, key.clone()))
                .collect(),
            txns: stored.txns.into_iter().collect(),
            next_index: stored.next_index,
            oldest_run: stored.oldest_run,
            published: stored.published,
        }
    }
}
