//! Latencies and what to say of them.

use std::time::Duration;

use serde_json::{Value, json};

/// All measured latencies of one kind.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// Adds all of another.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Count, mean, the usual quantiles (nearest rank) and the maximum, in milliseconds; `null`
    /// where nothing was measured.
    pub(crate) fn summary(mut self) -> Value {
        if self.0.is_empty() {
            return Value::Null;
        }
        self.0.sort_unstable();
        let total: Duration = self.0.iter().sum();
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        json!({
            "count": self.0.len(),
            "mean_ms": millis(total / count),
            "p50_ms": millis(self.quantile(50)),
            "p95_ms": millis(self.quantile(95)),
            "p99_ms": millis(self.quantile(99)),
            "max_ms": millis(self.quantile(100)),
        })
    }

    /// Nearest rank; the latencies are sorted and not empty.
    fn quantile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }
}

/// Milliseconds with microseconds as the fraction.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks_whatever_the_order() {
        let mut latencies = Latencies::default();
        for number in (1..=200).rev() {
            latencies.add(Duration::from_millis(number));
        }
        let summary = latencies.summary();
        assert_eq!(summary["p50_ms"], 100.0);
        assert_eq!(summary["p95_ms"], 190.0);
        assert_eq!(summary["p99_ms"], 198.0);
        assert_eq!(summary["max_ms"], 200.0);
        assert_eq!(summary["mean_ms"], 100.5);
    }

    #[test]
    fn one_latency_is_every_quantile_and_none_is_null() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_micros(1_500));
        assert_eq!(latencies.summary()["p50_ms"], 1.5);
        assert_eq!(Latencies::default().summary(), Value::Null);
    }
}
