//! How far a follower is, and waiting for it (I15).

use std::{sync::Arc, time::Duration};

use facts::LogPosition;
use tokio::sync::watch;

use super::{Checkpoint, waiting::Waiting};

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
    waiting: Arc<Waiting>,
}

impl Progress {
    pub(super) fn new(checkpoint: Option<Checkpoint>) -> Self {
        Self {
            checkpoint: watch::Sender::new(checkpoint),
            state: watch::Sender::new(FollowerState::Following),
            waiting: Arc::default(),
        }
    }

    pub(super) fn passed(&self, checkpoint: Checkpoint) {
        let position = checkpoint.position;
        self.checkpoint.send_replace(Some(checkpoint));
        self.waiting.passed(position);
    }

    pub(super) fn set_state(&self, state: FollowerState) {
        self.state.send_replace(state);
        self.waiting.give_up();
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
        tokio::time::timeout(bound, self.wait(position)).await.unwrap_or(false)
    }

    /// Waits until the view has passed `position`; false when the follower stops before. The
    /// caller bounds it.
    pub async fn wait(&self, position: LogPosition) -> bool {
        if self.has_passed(position) {
            return true;
        }
        let woken = self.waiting.register(position);
        // What happened before it was registered wakes nobody.
        if self.has_passed(position) {
            return true;
        }
        if *self.state.borrow() != FollowerState::Following {
            return false;
        }
        woken.await.is_ok()
    }

    fn has_passed(&self, position: LogPosition) -> bool {
        self.position().is_some_and(|at| at >= position)
    }
}
