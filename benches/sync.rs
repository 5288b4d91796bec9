//! One answer of `/sync` through the real router, on a view that nobody else uses.
//!
//! The reader is in ten rooms of ten members throughout. History grows from 2,000 to 20,000 and
//! 200,000 entries, rooms from 10 to 30 and 100, people from 20 to 60 and 200: the answer to
//! somebody who has read all but one message must cost the same.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/reading_server.rs"]
mod reading_server;
#[path = "support/verdict.rs"]
mod verdict;
#[path = "support/written_log.rs"]
mod written_log;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use crate::{reading_server::ReadingServer, verdict::Samples};

/// Factor, entries, rooms, people.
const SCALES: [(u32, u64, usize, usize); 3] =
    [(1, 2_000, 10, 20), (10, 20_000, 30, 60), (100, 200_000, 100, 200)];
/// Who reads: a member of the first ten rooms, whatever the number of rooms.
const READER: usize = 9;
/// At a hundred times the history, as a multiple of what it costs at once: noise, not growth.
const GROWTH_MAX: f64 = 1.3;

fn sync(c: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut group = c.benchmark_group("sync");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let mut incremental = Vec::new();
    for (factor, entries, rooms, people) in SCALES {
        let mut server = ReadingServer::new(people, rooms);
        server.written.talk(entries);
        // What is unread has its own cost, whatever the history.
        server.written.read_everything(READER);
        let user = server.user_id(READER);
        let all = runtime.block_on(server.get(&user, "/v3/sync?timeout=0"));
        assert_eq!(all["rooms"]["join"].as_object().map(serde_json::Map::len), Some(10));
        let since = all["next_batch"].as_str().expect("a token").to_owned();
        server.written.text(3);

        let mut samples = Samples::default();
        let path = format!("/v3/sync?timeout=0&since={since}");
        let news = runtime.block_on(server.get(&user, &path));
        let rooms = news["rooms"]["join"].as_object().expect("rooms");
        assert_eq!(rooms.len(), 1, "one room has news");
        assert!(rooms.values().all(|room| room["timeline"]["events"][1].is_null()), "one event");
        group.bench_function(format!("incremental, history {factor}x"), |b| {
            b.iter_custom(|times| {
                samples.time(times, || drop(runtime.block_on(server.bytes(&user, &path))))
            });
        });
        incremental.push((factor, samples.median(), samples.cpu()));
        group.bench_function(format!("initial, history {factor}x"), |b| {
            b.iter(|| runtime.block_on(server.bytes(&user, "/v3/sync?timeout=0")));
        });
    }
    group.finish();
    report(&incremental);
}

/// Factor, median seconds and processor seconds of an answer.
fn report(incremental: &[(u32, Option<f64>, f64)]) {
    let measured: Vec<(u32, f64, f64)> =
        incremental.iter().filter_map(|(at, median, cpu)| Some((*at, (*median)?, *cpu))).collect();
    let (Some(first), Some(last)) = (measured.first(), measured.last()) else { return };
    let curve: Vec<String> = measured
        .iter()
        .map(|(at, seconds, cpu)| format!("{at}x {:.0} us ({:.0} cpu)", seconds * 1e6, cpu * 1e6))
        .collect();
    let growth = last.2 / first.2;
    verdict::say(
        "incremental sync, one new message, as history grows",
        &format!("{}, processor time {growth:.2} times", curve.join(", ")),
        "flat (<= 1.3 times)",
        growth <= GROWTH_MAX,
    );
}

criterion_group!(benches, sync);
criterion_main!(benches);
