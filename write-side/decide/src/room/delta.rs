//! What differs between two folds of one room, so that a store writes only what changed.
//!
//! Found by walking what the two do not share, never by marks: it cannot be forgotten.

use facts::LogPosition;

use super::{
    auth_index::IndexedEvent,
    fold::RoomFold,
    state::{StateEntry, StateKey},
    stored_fold::differences,
};

/// The rows of a fold that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldDelta {
    /// Current state; `None` for a place that is empty now.
    pub state: Vec<(StateKey, Option<StateEntry>)>,
    /// State events that are new in the index or have another verdict.
    pub index: Vec<(LogPosition, IndexedEvent)>,
}

impl RoomFold {
    /// What makes this fold's large maps of those of `older`, a former version of it.
    pub fn delta_from(&self, older: &Self) -> FoldDelta {
        FoldDelta {
            state: differences(&older.state, &self.state),
            index: older.index.added_in(&self.index).collect(),
        }
    }

    /// The fold without its large maps, to be written beside their rows.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let mut rest = self.clone();
        rest.index = super::AuthIndex::default();
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
