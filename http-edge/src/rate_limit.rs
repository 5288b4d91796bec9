//! How often one caller may ask.
//!
//! Owns token buckets by key, as a pure store: time is a parameter (I9), and the number of keys is
//! bounded (I10). A bucket is one number, the instant at which it will be full again. When the
//! store is full, the keys that were not used for longest are forgotten, which is the same as
//! filling their buckets.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use facts::{StreamId, Timestamp};
use parking_lot::Mutex;

/// What is being limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// Endpoints that the spec calls rate-limited, by signed-in user.
    User,
    /// The same without a session, by address.
    Anonymous,
    /// Attempts to log in, by address and by account.
    Login,
    /// New accounts, by address.
    Registration,
}

/// Who is being limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// A user, by stream.
    User(StreamId),
    /// An address; IPv6 by network.
    Address(IpAddr),
    /// An account by name, which need not exist. Names longer than 255 bytes count as one.
    Account(Box<str>),
}

impl RateKey {
    /// The key of an account name as a client sent it.
    pub fn account(name: &str) -> Self {
        /// The longest user id (specification appendices, "User identifiers").
        const NAME_MAX: usize = 255;
        Self::Account(if name.len() > NAME_MAX { "" } else { name }.into())
    }
}

/// The speed of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back each minute; at least 1.
    pub per_minute: u32,
    /// Tokens of a full bucket; at least 1.
    pub burst: u32,
}

/// The rates of all classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateTable {
    /// Of [`RateClass::User`].
    pub user: Rate,
    /// Of [`RateClass::Anonymous`].
    pub anonymous: Rate,
    /// Of [`RateClass::Login`].
    pub login: Rate,
    /// Of [`RateClass::Registration`].
    pub registration: Rate,
}

impl Default for RateTable {
    fn default() -> Self {
        let rate = |per_minute, burst| Rate { per_minute, burst };
        Self {
            user: rate(1200, 200),
            anonymous: rate(300, 50),
            login: rate(10, 10),
            registration: rate(10, 10),
        }
    }
}

impl RateTable {
    fn of(&self, class: RateClass) -> Rate {
        match class {
            RateClass::User => self.user,
            RateClass::Anonymous => self.anonymous,
            RateClass::Login => self.login,
            RateClass::Registration => self.registration,
        }
    }
}

type Key = (RateClass, RateKey);

/// Instants, in microseconds since the epoch, at which buckets are full again, in two generations.
#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<Key, u64>,
    old: HashMap<Key, u64>,
}

/// The store of buckets.
#[derive(Debug)]
pub struct RateLimiter {
    rates: RateTable,
    enabled: bool,
    generation_max: usize,
    buckets: Mutex<Buckets>,
}

impl RateLimiter {
    /// A store of at most `keys_max` keys. With `enabled` false everything passes.
    pub fn new(rates: RateTable, enabled: bool, keys_max: usize) -> Self {
        Self { rates, enabled, generation_max: (keys_max / 2).max(1), buckets: Mutex::default() }
    }

    /// Takes a token, or says how long it takes until there is one.
    pub fn take(&self, class: RateClass, key: RateKey, now: Timestamp) -> Result<(), Duration> {
        if !self.enabled {
            return Ok(());
        }
        let rate = self.rates.of(class);
        let key = (class, key);
        let mut buckets = self.buckets.lock();
        let full_at = buckets.full_at(&key);
        match spend(rate, full_at, now) {
            Ok(full_at) => {
                buckets.insert(key, full_at, self.generation_max);
                Ok(())
            }
            Err(wait) => Err(wait),
        }
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        let buckets = self.buckets.lock();
        buckets.young.len() + buckets.old.len()
    }

    /// True where no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Buckets {
    fn full_at(&self, key: &Key) -> Option<u64> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn insert(&mut self, key: Key, full_at: u64, generation_max: usize) {
        if self.young.len() >= generation_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, full_at);
    }
}

/// The instant at which the bucket is full again after one more token is taken.
fn spend(rate: Rate, full_at: Option<u64>, now: Timestamp) -> Result<u64, Duration> {
    const MINUTE_US: u64 = 60_000_000;
    let now = now.0.saturating_mul(1000);
    let token = MINUTE_US / u64::from(rate.per_minute.max(1));
    let capacity = token.saturating_mul(u64::from(rate.burst.max(1)));
    // Clamped on both sides: a clock that jumped back leaves nobody locked out for longer than an
    // empty bucket takes to fill.
    let full_at = full_at.unwrap_or(now).clamp(now, now + capacity);
    let after = full_at + token;
    if after <= now + capacity {
        Ok(after)
    } else {
        Err(Duration::from_micros(after - now - capacity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    fn limiter(keys_max: usize) -> RateLimiter {
        let rates = RateTable { login: Rate { per_minute: 60, burst: 3 }, ..RateTable::default() };
        RateLimiter::new(rates, true, keys_max)
    }

    fn take(limiter: &RateLimiter, user: u64, after_ms: u64) -> Result<(), Duration> {
        let key = RateKey::User(StreamId(user));
        limiter.take(RateClass::Login, key, Timestamp(START + after_ms))
    }

    #[test]
    fn a_burst_then_the_steady_rate() {
        let limiter = limiter(100);
        for _ in 0..3 {
            assert_eq!(take(&limiter, 1, 0), Ok(()));
        }
        assert_eq!(take(&limiter, 1, 0), Err(Duration::from_secs(1)));
        assert_eq!(take(&limiter, 1, 400), Err(Duration::from_millis(600)));
        assert_eq!(take(&limiter, 1, 1000), Ok(()));
        assert_eq!(take(&limiter, 1, 1000), Err(Duration::from_secs(1)));
        assert_eq!(take(&limiter, 2, 1000), Ok(()), "keys are apart");
    }

    #[test]
    fn waiting_never_gives_more_than_the_burst() {
        let limiter = limiter(100);
        let later = 3_600_000;
        for _ in 0..3 {
            assert_eq!(take(&limiter, 1, later), Ok(()));
        }
        assert!(take(&limiter, 1, later).is_err());
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let limiter = limiter(100);
        for _ in 0..3 {
            assert_eq!(take(&limiter, 1, 86_400_000), Ok(()));
        }
        assert_eq!(take(&limiter, 1, 0), Err(Duration::from_secs(1)));
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_busy_keys_stay() {
        let limiter = limiter(10);
        for _ in 0..3 {
            assert_eq!(take(&limiter, 0, 0), Ok(()));
        }
        for user in 1..1000 {
            // A key in use survives, and its bucket with it: at most five others come between.
            if user % 3 == 0 {
                assert_eq!(take(&limiter, 0, user * 1000), Ok(()));
            }
            let _ = take(&limiter, user, user * 1000);
            assert!(limiter.len() <= 10, "{} keys", limiter.len());
        }
    }

    #[test]
    fn disabled_means_no_rate_at_all() {
        let limiter = RateLimiter::new(RateTable::default(), false, 10);
        for _ in 0..10_000 {
            assert_eq!(take(&limiter, 1, 0), Ok(()));
        }
    }
}
