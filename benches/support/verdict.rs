//! Measuring beside criterion's statistics, and one plain line for each budget.
//!
//! Owns [`Samples`], which times the routines that criterion runs, and [`say`]. Criterion compares
//! a run with the one before; a budget is absolute, so it gets a line of its own. On a machine
//! that has other work, processor time tells what the clock cannot.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

/// `USER_HZ`: the unit of times in `/proc/<pid>/stat`, 100 a second on every Linux port in use.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds that one call took, one sample for each round.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    seconds: Vec<f64>,
    cpu_seconds: f64,
    calls: f64,
}

impl Samples {
    /// Runs a routine `times` times as one sample; for `iter_custom`.
    pub(crate) fn time(&mut self, times: u64, mut routine: impl FnMut()) -> Duration {
        let cpu = cpu_seconds();
        let started = Instant::now();
        for _ in 0..times {
            routine();
        }
        let took = started.elapsed();
        self.add(took, times);
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let calls = times as f64;
        self.calls += calls;
        self.cpu_seconds += cpu_seconds() - cpu;
        took
    }

    /// Adds a sample that was timed elsewhere.
    pub(crate) fn add(&mut self, took: Duration, times: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        self.seconds.push(took.as_secs_f64() / times as f64);
    }

    /// The median sample; `None` where a filter on the command line left the routine out.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.seconds.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// Processor seconds of this process for each call of [`Self::time`], all threads together.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu_seconds / self.calls.max(1.0)
    }
}

/// Processor seconds that this process has used; 0 where `/proc` does not tell.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / TICKS_A_SECOND
}

/// Prints what was measured against its budget.
pub(crate) fn say(what: &str, measured: &str, budget: &str, kept: bool) {
    let kept = if kept { "yes" } else { "no" };
    line(&format!("{what}: measured {measured}, budget {budget}, kept {kept}"));
}

/// Prints one line that no budget stands against.
pub(crate) fn line(text: &str) {
    // A reader that went away is no reason to fail a bench.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
