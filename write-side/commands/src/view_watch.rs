//! Waiting until the client view has passed a position, so that clients read their own writes.
//!
//! Owns the port; the composition root implements it over the client view's checkpoint.
//! Invariants: I15 (the wait is bounded). Never reads a view.

use std::time::Duration;

use facts::LogPosition;

use crate::journal::PortFuture;

/// An answer waits for the client view at most this long.
pub const VIEW_WAIT_MAX: Duration = Duration::from_millis(250);

/// Tells when the client view has passed a position.
pub trait ViewWatch: Send + Sync {
    /// Resolves with true when the view's checkpoint is at `position` or past it; a view shows
    /// durable entries only, so the entry is durable then. With false if that cannot be waited
    /// for.
    fn passed(&self, position: LogPosition) -> PortFuture<'_, bool>;
}

/// No view to wait for: tools that run without a server, and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoView;

impl ViewWatch for NoView {
    fn passed(&self, _position: LogPosition) -> PortFuture<'_, bool> {
        Box::pin(std::future::ready(false))
    }
}
