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

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use crate::{reading_server::ReadingServer, verdict::Samples};

/// Factor, entries, rooms, people.
const SCALES: [(u32, u64, usize, usize); 3] =
    [(1, 2_000, 10, 20), (10, 20_000, 30, 60), (100, 200_000, 100, 200)];
/// Who reads: a member of the first ten rooms, whatever the number of rooms.
const READER: usize = 9;
/// Answers that each come after a message of their own, for each scale.
const FRESH: u32 = 400;
/// At a hundred times the history, as a multiple of what it costs at once: noise, not growth.
const GROWTH_MAX: f64 = 1.3;

fn sync(c: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut group = c.benchmark_group("sync");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let (mut incremental, mut fresh) = (Vec::new(), Vec::new());
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
        if samples.median().is_some() {
            fresh.push((factor, after_a_message(&runtime, &mut server, &user, since)));
        }
        group.bench_function(format!("initial, history {factor}x"), |b| {
            b.iter(|| runtime.block_on(server.bytes(&user, "/v3/sync?timeout=0")));
        });
    }
    group.finish();
    report(&incremental);
    report_fresh(&fresh);
}

/// Median seconds of an answer that comes right after a message: no answer is asked for twice, so
/// nothing can be known from the one before but what a real client's next answer shares with it.
fn after_a_message(
    runtime: &tokio::runtime::Runtime,
    server: &mut ReadingServer,
    user: &str,
    mut since: String,
) -> f64 {
    let mut samples = Samples::default();
    for _ in 0..FRESH {
        server.written.text(3);
        runtime.block_on(server.follow());
        let path = format!("/v3/sync?timeout=0&since={since}");
        let started = Instant::now();
        let bytes = runtime.block_on(server.bytes(user, &path));
        samples.add(started.elapsed(), 1);
        let news: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        news["next_batch"].as_str().expect("a token").clone_into(&mut since);
    }
    samples.median().expect("samples")
}

fn report_fresh(fresh: &[(u32, f64)]) {
    let (Some(first), Some(last)) = (fresh.first(), fresh.last()) else { return };
    let curve: Vec<String> =
        fresh.iter().map(|(at, seconds)| format!("{at}x {:.0} us", seconds * 1e6)).collect();
    let growth = last.1 / first.1;
    verdict::say(
        "incremental sync, each right after a message of its own",
        &format!("{}, by the clock {growth:.2} times", curve.join(", ")),
        "flat (<= 1.3 times)",
        growth <= GROWTH_MAX,
    );
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
