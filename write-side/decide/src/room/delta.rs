//! What differs between two folds of one room, so that a store writes only what changed.
//!
//! Found by walking what the two do not share, never by marks: it cannot be forgotten. A store
//! keeps current state and index as rows and the rest, which is small, as one value.

use facts::LogPosition;
use serde::{Deserialize, Serialize};

use super::{
    auth_index::{AuthIndex, IndexedEvent},
    fold::RoomFold,
    state::{StateEntry, StateKey},
    stored_fold::{StoredFold, differences},
};

/// The rows of a fold that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldDelta {
    /// Current state; `None` for a place that is empty now.
    pub state: Vec<(StateKey, Option<StateEntry>)>,
    /// State events that are new in the index or have another verdict.
    pub index: Vec<(LogPosition, IndexedEvent)>,
}

/// A fold without the rows of its current state and index.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FoldRest(StoredFold);

impl RoomFold {
    /// What makes this fold's rows of those of `older`, a former version of it.
    pub fn delta_from(&self, older: &Self) -> FoldDelta {
        FoldDelta {
            state: differences(&older.state, &self.state),
            index: older.index.added_in(&self.index).collect(),
        }
    }

    /// What is written beside the rows.
    pub fn rest(&self) -> FoldRest {
        let mut stored = StoredFold::from(self.clone());
        stored.state.clear();
        stored.index.clear();
        FoldRest(stored)
    }

    /// The fold of its written parts.
    pub fn from_rows(
        rest: FoldRest,
        state: impl IntoIterator<Item = (StateKey, StateEntry)>,
        index: impl IntoIterator<Item = (LogPosition, IndexedEvent)>,
    ) -> Self {
        let mut stored = rest.0;
        stored.state = state.into_iter().collect();
        stored.index = index.into_iter().collect();
        Self::from(stored)
    }

    /// The fold without the rows of its index alone, for a store that keeps the state with it.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let mut rest = self.clone();
        rest.index = AuthIndex::default();
        rest
    }

    /// The fold with the rows of its index put back.
    #[must_use]
    pub fn with_index(
        mut self,
        rows: impl IntoIterator<Item = (LogPosition, IndexedEvent)>,
    ) -> Self {
        self.index = rows.into_iter().collect();
        self
    }
}
