//! Waiting for the client view, for the write side (I15).

use std::time::Duration;

use commands::{PortFuture, ViewWatch};
use facts::LogPosition;
use projections::ClientView;

/// One wait; whoever waits without a bound of their own (revocations) waits again.
const WAIT: Duration = Duration::from_secs(5);

pub(super) struct ClientViewWatch(pub(super) ClientView);

impl ViewWatch for ClientViewWatch {
    fn passed(&self, position: LogPosition) -> PortFuture<'_, bool> {
        Box::pin(async move {
            // A follower that failed serves no session any more (see `ViewSessions`), so nobody
            // is let in who should not be, and waiting on would not help.
            while !self.0.wait_for(position, WAIT).await {
                let state = self.0.progress().state();
                if state != projections::follower::FollowerState::Following {
                    return false;
                }
            }
            true
        })
    }
}
