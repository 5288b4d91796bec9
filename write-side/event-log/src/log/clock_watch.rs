//! Jumps of the clock (LOG.md section 10).
//!
//! Owns the comparison of the wall clock with one that nobody can set. What is "older than" is
//! measured by the wall clock, so a jump forward would make everything old at once: it becomes a
//! fact, and destroying pauses until an operator has confirmed it. Across a restart there is
//! nothing to compare with: a server that was switched off looks like one whose clock jumped.
//! Invariants: I4 (time orders nothing), I9.

use std::sync::atomic::{AtomicU64, Ordering};

use facts::{LogPosition, Timestamp, fact::ClockConfirmed, fact::ClockJumped};
use parking_lot::Mutex;

use super::{Log, append::own_batch};
use crate::{AppendFault, AppendRefusal, Clock};

/// The wall clock may run ahead of the other by this much, in milliseconds.
pub const CLOCK_JUMP_MS: u64 = 60 * 60 * 1000;

/// Says that whoever appends must look closer: a jump is owed.
const LOOK_CLOSER: u64 = u64::MAX;

/// What the clocks said, and what is still to be stated.
#[derive(Debug)]
pub(super) struct ClockWatch {
    /// How far the wall clock was ahead of the other, in milliseconds: enough to see that it has
    /// not jumped, without a lock. Or [`LOOK_CLOSER`].
    ahead_ms: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    wall: Timestamp,
    monotonic_ms: u64,
    /// Seen, and not yet in the log.
    owed: Option<ClockJumped>,
    /// Has a position, and may not be durable yet.
    stated: Option<LogPosition>,
}

/// Why a jump of the clock was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// The confirmation was refused.
    #[error("the log refused the confirmation")]
    Refused(#[from] AppendRefusal),
    /// The confirmation, or the jump that it is about, did not become durable.
    #[error("the confirmation did not become durable")]
    NotDurable(#[from] AppendFault),
}

impl ClockWatch {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let (wall, monotonic_ms) = (clock.now(), clock.monotonic_ms());
        let seen = Seen { wall, monotonic_ms, owed: None, stated: None };
        Self { ahead_ms: AtomicU64::new(seen.ahead_ms()), seen: Mutex::new(seen) }
    }

    fn is_quiet(&self, clock: &dyn Clock) -> bool {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        let latest = clock.monotonic_ms().saturating_add(ahead).saturating_add(CLOCK_JUMP_MS);
        ahead != LOOK_CLOSER && clock.now().0 <= latest
    }
}

impl Seen {
    fn ahead_ms(&self) -> u64 {
        let ahead = self.wall.0.checked_sub(self.monotonic_ms);
        ahead.filter(|_| self.owed.is_none()).unwrap_or(LOOK_CLOSER)
    }

    /// Compares with where the watch began, so that many small jumps count like a large one.
    fn look(&mut self, clock: &dyn Clock, last_recorded: Timestamp) {
        let (wall, monotonic_ms) = (clock.now(), clock.monotonic_ms());
        let passed = monotonic_ms.saturating_sub(self.monotonic_ms);
        let expected = self.wall.0.saturating_add(passed);
        if wall.0.saturating_sub(expected) <= CLOCK_JUMP_MS {
            return;
        }
        let from = self.owed.take().map_or(last_recorded, |owed| owed.from);
        tracing::warn!(from = from.0, to = wall.0, "the clock jumped forward; destroying pauses");
        self.owed = Some(ClockJumped { from, to: wall });
        self.wall = wall;
        self.monotonic_ms = monotonic_ms;
    }
}

impl Log {
    /// Looks at the clocks, and states a jump before whatever carries its time.
    pub(super) fn watch_clock(&self) -> Result<(), AppendRefusal> {
        if self.clock_watch.is_quiet(&*self.clock) {
            return Ok(());
        }
        let mut seen = self.clock_watch.seen.lock();
        let last_recorded = self.assigner.lock().last_recorded();
        seen.look(&*self.clock, last_recorded);
        let stated = match seen.owed.take() {
            None => Ok(()),
            Some(jumped) => self.state_jump(jumped, &mut seen),
        };
        self.clock_watch.ahead_ms.store(seen.ahead_ms(), Ordering::Relaxed);
        stated
    }

    fn state_jump(&self, jumped: ClockJumped, seen: &mut Seen) -> Result<(), AppendRefusal> {
        match self.append_with(own_batch(&jumped), &[], |_| Ok(()), &[]) {
            Ok(appended) => seen.stated = Some(appended.first),
            Err(refusal) => {
                seen.owed = Some(jumped);
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Position of the latest jump of the clock that no operator has confirmed. While there is
    /// one, nothing is destroyed.
    pub fn unconfirmed_clock_jump(&self) -> Option<LogPosition> {
        let stated = self.clock_watch.seen.lock().stated;
        let pending = stated.filter(|jump| *jump > self.head());
        pending.or_else(|| self.shared.index.lock().unconfirmed_jump())
    }

    /// An operator says that the clock is right as it is. Durable when this returns; without a
    /// jump to confirm nothing happens.
    pub fn confirm_clock(&self) -> Result<(), ConfirmError> {
        let Some(jump) = self.unconfirmed_clock_jump() else {
            return Ok(());
        };
        // Both stand in one stream of writes: when the confirmation is durable the jump is too.
        let confirmed = self.append(own_batch(&ClockConfirmed { jump }))?;
        Ok(confirmed.durable.wait()?)
    }
}
