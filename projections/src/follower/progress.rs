//! How far a follower is, and waiting for it (I15).

use std::{sync::Arc, time::Duration};

use facts::LogPosition;
use tokio::sync::watch;

use super::Checkpoint;

/// What a follower does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowerState {
    /// Follows the log.
    Following,
    /// Was told to stop.
    Stopped,
    /// Stopped by a fault; the text is for operators.
    Failed(Arc<str>),
}

/// Progress of one follower; clones share it.
#[derive(Clone)]
pub struct Progress {
    checkpoint: watch::Sender<Option<Checkpoint>>,
    state: watch::Sender<FollowerState>,
}

impl Progress {
    pub(super) fn new(checkpoint: Option<Checkpoint>) -> Self {
        Self {
            checkpoint: watch::Sender::new(checkpoint),
            state: watch::Sender::new(FollowerState::Following),
        }
    }

    pub(super) fn passed(&self, checkpoint: Checkpoint) {
        self.checkpoint.send_replace(Some(checkpoint));
    }

    pub(super) fn set_state(&self, state: FollowerState) {
        self.state.send_replace(state);
    }

    /// The last committed checkpoint.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.checkpoint.borrow().clone()
    }

    /// The last committed position.
    pub fn position(&self) -> Option<LogPosition> {
        self.checkpoint.borrow().as_ref().map(|at| at.position)
    }

    /// Watch of the committed checkpoint.
    pub fn subscribe(&self) -> watch::Receiver<Option<Checkpoint>> {
        self.checkpoint.subscribe()
    }

    /// What the follower does.
    pub fn state(&self) -> FollowerState {
        self.state.borrow().clone()
    }

    /// Watch of what the follower does.
    pub fn subscribe_state(&self) -> watch::Receiver<FollowerState> {
        self.state.subscribe()
    }

    /// Entries of the log that are not in the view yet.
    pub fn lag(&self, head: LogPosition) -> u64 {
        let applied = self.position().map_or(0, |at| at.0 + 1);
        (head.0 + 1).saturating_sub(applied)
    }

    /// Waits until the view has passed `position`, at most `bound`; false if it has not, also
    /// when the follower stops meanwhile.
    pub async fn wait_for(&self, position: LogPosition, bound: Duration) -> bool {
        let mut checkpoint = self.checkpoint.subscribe();
        let mut state = self.state.subscribe();
        let passed =
            |at: &Option<Checkpoint>| at.as_ref().is_some_and(|at| at.position >= position);
        let wait = async {
            tokio::select! {
                biased;
                seen = checkpoint.wait_for(passed) => seen.is_ok(),
                _ = state.wait_for(|state| *state != FollowerState::Following) => false,
            }
        };
        tokio::time::timeout(bound, wait).await.unwrap_or(false)
    }
}
