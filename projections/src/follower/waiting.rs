//! Those who wait until a view has passed a position.
//!
//! Owns their order: progress wakes those whose position has passed, and nobody else, so that a
//! write costs one wake-up and not one for each request under way. Invariant: I10 (those who gave
//! up are swept; the others are requests, which are bounded).

use std::collections::BTreeMap;

use facts::LogPosition;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Those who gave up are swept when there are so many, and whenever the number has doubled since.
const SWEEP_MIN: usize = 1_024;

#[derive(Debug)]
pub(super) struct Waiting(Mutex<Waiters>);

#[derive(Debug)]
struct Waiters {
    by_position: BTreeMap<(LogPosition, u64), oneshot::Sender<()>>,
    /// Tells waiters for the same position apart.
    next: u64,
    sweep_at: usize,
}

impl Default for Waiting {
    fn default() -> Self {
        let by_position = BTreeMap::new();
        Self(Mutex::new(Waiters { by_position, next: 0, sweep_at: SWEEP_MIN }))
    }
}

impl Waiting {
    /// Resolves when `position` has passed; with an error when nobody will say so. Look at the
    /// progress after this, or what happens in between is missed.
    pub(super) fn register(&self, position: LogPosition) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiters = self.0.lock();
        if waiters.by_position.len() >= waiters.sweep_at {
            waiters.by_position.retain(|_, sender| !sender.is_closed());
            waiters.sweep_at = (waiters.by_position.len() * 2).max(SWEEP_MIN);
        }
        let number = waiters.next;
        waiters.next += 1;
        waiters.by_position.insert((position, number), sender);
        receiver
    }

    /// Wakes those who wait for `position` or an earlier one.
    pub(super) fn passed(&self, position: LogPosition) {
        let passed = {
            let mut waiters = self.0.lock();
            let later = waiters.by_position.split_off(&(position.next(), 0));
            std::mem::replace(&mut waiters.by_position, later)
        };
        for sender in passed.into_values() {
            // Who gave up does not listen.
            let _ = sender.send(());
        }
    }

    /// Wakes all with an error.
    pub(super) fn give_up(&self) {
        self.0.lock().by_position.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_whose_position_has_passed_are_woken() {
        let waiting = Waiting::default();
        let mut early = waiting.register(LogPosition(3));
        let mut also = waiting.register(LogPosition(3));
        let mut late = waiting.register(LogPosition(4));
        waiting.passed(LogPosition(2));
        assert!(early.try_recv().is_err());
        waiting.passed(LogPosition(3));
        assert_eq!((early.try_recv(), also.try_recv()), (Ok(()), Ok(())));
        assert_eq!(late.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        waiting.give_up();
        assert_eq!(late.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn those_who_gave_up_leave_nothing_behind() {
        let waiting = Waiting::default();
        for position in 0..100_000 {
            drop(waiting.register(LogPosition(position)));
        }
        assert!(waiting.0.lock().by_position.len() <= 2 * SWEEP_MIN);
    }
}
