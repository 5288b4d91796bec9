//! The clock as a parameter.
//!
//! Owns the trait through which the log learns the time (I9). Time orders nothing (I4).

use facts::Timestamp;

/// Tells the time. The composition root has the one that reads the system clock.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;

    /// Milliseconds since some fixed instant, by a clock that nobody can set: beside it a jump
    /// of the wall clock shows, and an idle server does not look like one.
    ///
    /// A clock that has only its wall time answers that, and shows no jump.
    fn monotonic_ms(&self) -> u64 {
        self.now().0
    }
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}
