//! How often a store that fails is tried again.
//!
//! Owns the pauses: doubled from a second up to five minutes, for as long as it fails. Tries are
//! without end, since what must be off-site must get there; their rate is bounded (I10).

/// The first pause, in milliseconds.
const FIRST_MS: u64 = 1_000;
/// The longest.
const LONGEST_MS: u64 = 300_000;

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
    next: u64,
}

impl Pace {
    /// Whether it is time for a try; times are monotonic, in milliseconds.
    pub(super) fn may_try(&self, now: u64) -> bool {
        self.failures == 0 || now >= self.next
    }

    /// Notes a failure. True for the first in a row.
    pub(super) fn failed(&mut self, now: u64) -> bool {
        let pause = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        self.next = now.saturating_add(pause);
        self.failures == 1
    }

    /// Notes a success. True after a failure.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_end_with_a_success() {
        let (mut pace, mut now, mut pauses) = (Pace::default(), 0, Vec::new());
        assert!(pace.may_try(now));
        for failure in 0..30 {
            assert_eq!(pace.failed(now), failure == 0);
            let begun = now;
            while !pace.may_try(now) {
                now += 500;
            }
            pauses.push(now - begun);
        }
        assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000]);
        assert!(pauses[10..].iter().all(|pause| *pause == LONGEST_MS));
        assert!(pace.succeeded() && !pace.succeeded());
        assert!(pace.may_try(0));
    }
}
