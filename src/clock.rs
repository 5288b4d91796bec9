//! The system clock, read in this file and nowhere else.
//!
//! Owns the one implementation of the layers' clock traits over the operating system (I9).

use std::time::{SystemTime, UNIX_EPOCH};

use facts::Timestamp;

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl http_edge::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl event_log::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the composition root owns the clock; everybody else takes it as a parameter"
    )]
    #[expect(
        clippy::unused_self,
        reason = "who has no clock in hand has no way to the time"
    )]
    fn read(self) -> Timestamp {
        // A clock before 1970 reads as 1970; the log's own time never goes back (LOG, section 10).
        let elapsed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}
