//! How a PDU is to be placed.

use facts::fact::{PlacementKind, TimelinePlace};

use crate::room::state::RoomState;

/// How a PDU is to be placed.
#[derive(Clone, Debug)]
pub enum PlaceAs {
    /// After what we have.
    Live {
        /// The state before it as another server told it; needed where an event before it is
        /// missing.
        state_before: Option<GivenState>,
        /// True where the room's policy server refused to sign it.
        is_refused_by_policy: bool,
    },
    /// Known without a place in the graph: an event of somebody's auth chain or state.
    Outlier {
        /// State that is staged at this event: a large state that a later placement starts from
        /// is told in several of them.
        staged: Option<RoomState>,
    },
    /// Before what we have.
    Historic {
        /// The state before it, where the events before it are missing.
        state_before: Option<GivenState>,
        /// Its place in the timeline.
        place: TimelinePlace,
    },
}

impl PlaceAs {
    /// Live, after events that we have.
    pub fn live() -> Self {
        Self::Live { state_before: None, is_refused_by_policy: false }
    }

    /// An outlier without staged state.
    pub fn outlier() -> Self {
        Self::Outlier { staged: None }
    }

    pub(super) fn kind(&self) -> PlacementKind {
        match self {
            Self::Live { .. } => PlacementKind::Live,
            Self::Outlier { .. } => PlacementKind::Outlier,
            Self::Historic { .. } => PlacementKind::Historic,
        }
    }
}

/// A state that another server told.
#[derive(Clone, Debug)]
pub struct GivenState {
    /// The state; its events are placed, at least as outliers.
    pub state: RoomState,
    /// False where members may be missing.
    pub is_full: bool,
}
