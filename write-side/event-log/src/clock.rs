//! The clock as a parameter.
//!
//! Owns the trait through which the log learns the time (I9). Time orders nothing (I4).

use facts::Timestamp;

/// Tells the time. The composition root has the one that reads the system clock.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}
