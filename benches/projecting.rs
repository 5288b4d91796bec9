//! Rebuilding the client view from the log, in rooms of ten local members.
//!
//! The log holds 40,000 entries, mostly messages; a pass drops the view and builds it up to the
//! head with the code that follows a running server (I7), reading, opening and decoding included.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/verdict.rs"]
mod verdict;
#[path = "support/written_log.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod written_log;

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event_log::{Log, LogOptions, SystemRandom};
use facts::Timestamp;
use projections::{ClientView, source::EntrySource};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use crate::{verdict::Samples, written_log::WrittenLog};

const SERVER: &str = "bench.example";
const ENTRIES: u64 = 40_000;
const PEOPLE: usize = 50;
const ROOMS: usize = 20;
/// Entries a second.
const BUDGET: f64 = 30_000.0;

fn projecting(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let options = LogOptions::new(dir.path(), SERVER);
    let clock = || Timestamp(1_790_000_000_000);
    let log = Log::open(options, Arc::new(clock), Arc::new(SystemRandom)).expect("a new log");
    let log = Arc::new(log);
    WrittenLog::new(Arc::clone(&log), SERVER, PEOPLE, ROOMS).talk(ENTRIES);
    let entries = log.head().0 + 1;
    let source: Arc<dyn EntrySource> = log;

    let mut samples = Samples::default();
    let mut group = c.benchmark_group("projecting");
    group.sample_size(10).throughput(Throughput::Elements(entries));
    group.bench_function("rebuild the client view", |b| {
        b.iter_custom(|times| {
            samples.time(times, || {
                let applied = ClientView::rebuild(&source, dir.path(), SERVER).expect("it builds");
                assert_eq!(applied, entries);
            })
        });
    });
    group.finish();
    if let Some(seconds) = samples.median() {
        #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
        let (rate, by_cpu) = (entries as f64 / seconds, entries as f64 / samples.cpu());
        verdict::say(
            "rebuilding the client view, rooms of 10 local members",
            &format!("{rate:.0} entries/s ({by_cpu:.0} a second of processor time)"),
            ">= 30,000 entries/s",
            rate >= BUDGET,
        );
    }
}

criterion_group!(benches, projecting);
criterion_main!(benches);
