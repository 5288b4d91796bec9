//! Waking whoever waits for something new for a user.
//!
//! Owns one watch for each user that somebody waits for, bounded in number; the follower signals
//! those that its last commit concerned, the read side signals ephemeral things (typing,
//! presence). A signal says "look again", never what there is. Signals never get lost: a waiter
//! subscribes first and looks afterwards.

use std::collections::HashMap;

use facts::StreamId;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Users that can be waited for at the same time.
pub const WAITED_USERS_MAX: usize = 100_000;
/// Entries without a waiter are swept when the map has doubled since the last sweep.
const SWEEP_MIN: usize = 64;

/// The registry of waiters.
pub struct Wakeups {
    waiting: Mutex<Waiting>,
}

struct Waiting {
    users: HashMap<StreamId, watch::Sender<u64>>,
    sweep_at: usize,
}

/// Too many users are waited for; answer 503 with a retry time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many users wait for news")]
pub struct TooManyWaiters;

impl Default for Wakeups {
    fn default() -> Self {
        Self { waiting: Mutex::new(Waiting { users: HashMap::new(), sweep_at: SWEEP_MIN }) }
    }
}

impl Wakeups {
    /// A watch that changes whenever there may be something new for `user`. Take it before the
    /// snapshot, then wait on `changed()`.
    pub fn subscribe(&self, user: StreamId) -> Result<watch::Receiver<u64>, TooManyWaiters> {
        let mut waiting = self.waiting.lock();
        if let Some(known) = waiting.users.get(&user) {
            return Ok(known.subscribe());
        }
        if waiting.users.len() >= waiting.sweep_at.min(WAITED_USERS_MAX) {
            waiting.users.retain(|_, sender| sender.receiver_count() > 0);
            waiting.sweep_at = (waiting.users.len() * 2).max(SWEEP_MIN);
        }
        if waiting.users.len() >= WAITED_USERS_MAX {
            return Err(TooManyWaiters);
        }
        let (sender, receiver) = watch::channel(0);
        waiting.users.insert(user, sender);
        Ok(receiver)
    }

    /// Wakes those who wait for one of `users`.
    pub fn wake(&self, users: impl IntoIterator<Item = StreamId>) {
        let waiting = self.waiting.lock();
        for user in users {
            if let Some(sender) = waiting.users.get(&user) {
                sender.send_modify(|count| *count += 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_between_subscribing_and_looking_is_not_lost() {
        let wakeups = Wakeups::default();
        let receiver = wakeups.subscribe(StreamId(1)).expect("room for one");
        let other = wakeups.subscribe(StreamId(2)).expect("room for two");
        wakeups.wake([StreamId(1), StreamId(3)]);
        assert!(receiver.has_changed().expect("sender lives"));
        assert!(!other.has_changed().expect("sender lives"));
    }

    #[test]
    fn waiters_that_are_gone_leave_nothing_behind() {
        let wakeups = Wakeups::default();
        for user in 0..10_000 {
            drop(wakeups.subscribe(StreamId(user)));
        }
        assert!(wakeups.waiting.lock().users.len() <= SWEEP_MIN);
    }
}
