//! The system clock, read in this file and nowhere else.
//!
//! Owns the one implementation of the layers' clock traits over the operating system (I9).

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use facts::Timestamp;

/// Where the monotonic clock of this process begins.
static BEGINNING: LazyLock<Instant> = LazyLock::new(instant);

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

    fn monotonic_ms(&self) -> u64 {
        let passed = instant().saturating_duration_since(*BEGINNING);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the composition root owns the clocks; everybody else takes them as a parameter"
)]
fn instant() -> Instant {
    Instant::now()
}

impl SystemClock {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(self) -> u64 {
        self.read().0
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the composition root owns the clock; everybody else takes it as a parameter"
    )]
    #[expect(clippy::unused_self, reason = "who has no clock in hand has no way to the time")]
    fn read(self) -> Timestamp {
        // A clock before 1970 reads as 1970; the log's own time never goes back (LOG, section 10).
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}
