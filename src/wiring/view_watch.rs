//! Waiting for the client view, for the write side (I15).

use commands::{PortFuture, ViewWatch};
use facts::LogPosition;
use projections::ClientView;

pub(super) struct ClientViewWatch(pub(super) ClientView);

impl ViewWatch for ClientViewWatch {
    fn passed(&self, position: LogPosition) -> PortFuture<'_, bool> {
        // False when the follower stops. One that failed serves no session any more (see
        // `ViewSessions`), so nobody is let in who should not be, and waiting on would not help.
        Box::pin(self.0.progress().wait(position))
    }
}
