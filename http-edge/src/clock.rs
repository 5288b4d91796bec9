//! The clock as a parameter.
//!
//! Owns the trait by which time enters the edge. Invariants: I9. Never reads a clock itself: the
//! composition root hands one in, tests hand in a fixed one.

use facts::Timestamp;

/// Where the current time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch, UTC. May jump; nothing is ordered by it (I4).
    fn now(&self) -> Timestamp;
}
