//! The log: appending against a bare write + `fdatasync` loop, and replaying with opening and
//! decoding.
//!
//! 64 producers append entries of 1 KiB, one at a time each: tasks on a runtime of the server's
//! size, under the server's allocator, as request handlers are. The bare loop then writes as many
//! bytes in as many writes, each followed by `fdatasync`: the disk under the log counts them.
//! Rounds of the two alternate, so that both see the same machine. Their ratio is the budget.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/counting_disk.rs"]
mod counting_disk;
#[path = "support/verdict.rs"]
mod verdict;

use std::{
    fs::File,
    hint::black_box,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event_log::{Disk, Log, LogOptions, OsDisk, SystemRandom};
use facts::{
    Batch, ClearPart, Draft, EntryRef, Fact, LogPosition, RecordClass, Routing, StreamId,
    StreamRef, Timestamp,
    fact::{
        PduContent, PduStored, Placement, PlacementKind, StateBefore, StreamKind, StreamOpened,
        TimelinePlace, Verdict,
    },
};

use tokio::{runtime::Runtime, task::JoinSet};

use crate::{counting_disk::CountingDisk, verdict::Samples};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const PRODUCERS: usize = 64;
const ENTRY_BYTES: usize = 1024;
/// Alternating rounds of log and bare loop, and the entries of one.
const ROUNDS: usize = 10;
const ROUND_ENTRIES: u64 = 12_800;
/// Appended entries a second, as a part of what the bare loop reaches.
const APPEND_BUDGET: f64 = 0.6;
/// Entries replayed in one pass.
const REPLAYED: usize = 20_000;
/// PDUs a second and core.
const REPLAY_BUDGET: f64 = 100_000.0;

fn open(dir: &Path, disk: Arc<dyn Disk>) -> Arc<Log> {
    let clock = || Timestamp(1_790_000_000_000);
    let options = LogOptions::new(dir, "bench.example");
    let log = Log::open_on(options, Arc::new(clock), Arc::new(SystemRandom), disk);
    Arc::new(log.expect("a new log"))
}

fn open_stream(log: &Log, kind: StreamKind, name: String) -> StreamId {
    let stream = StreamRef::OpenedBy(0);
    let person = (kind == StreamKind::User).then_some(stream);
    let routing = Routing { stream, actor: StreamRef::LOG, person, cause: None };
    let draft = Fact::from(StreamOpened { kind, name }).draft(routing).expect("complete");
    let appended = log.append(Batch { drafts: vec![draft], expects: Vec::new() });
    StreamId(appended.expect("an open log").first.0)
}

fn draft(stream: StreamId) -> Draft {
    Draft {
        stream: stream.into(),
        actor: StreamRef::LOG,
        cause: None,
        fact_type: 16,
        fact_version: 1,
        parts: vec![ClearPart {
            class: RecordClass::MessageContent,
            person: None,
            bytes: vec![b'x'; ENTRY_BYTES],
        }],
    }
}

/// The server's runtime: a thread for each core but one, which is left to the log's own threads.
fn server_runtime() -> Runtime {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores.saturating_sub(1).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build();
    runtime.expect("a runtime")
}

/// 64 tasks append one entry at a time and wait for each.
fn append_by_producers(
    runtime: &Runtime,
    log: &Arc<Log>,
    streams: &[StreamId],
    entries: u64,
) -> Duration {
    let each = entries.div_ceil(PRODUCERS as u64);
    let start = Instant::now();
    runtime.block_on(async {
        let mut producers = JoinSet::new();
        for stream in streams.iter().copied() {
            let log = Arc::clone(log);
            producers.spawn(async move {
                for _ in 0..each {
                    let batch = Batch { drafts: vec![draft(stream)], expects: Vec::new() };
                    let appended = log.append(batch).expect("an open log");
                    appended.durable.await.expect("durable");
                }
            });
        }
        producers.join_all().await;
    });
    start.elapsed()
}

/// Writes of equal length, each made durable before the next.
fn bare_loop(file: &mut File, writes: u64, bytes: u64) -> Duration {
    let write = vec![b'x'; usize::try_from(bytes / writes).expect("memory")];
    let start = Instant::now();
    for _ in 0..writes {
        file.write_all(&write).expect("space");
        file.sync_data().expect("a disk");
    }
    start.elapsed()
}

fn append(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = CountingDisk::default();
    let log = open(&dir.path().join("data"), Arc::new(disk.clone()));
    let streams: Vec<_> = (0..PRODUCERS)
        .map(|i| open_stream(&log, StreamKind::Room, format!("!{i}:bench.example")))
        .collect();
    let mut file = File::create(dir.path().join("bare")).expect("a file");
    let runtime = server_runtime();
    let mut rounds = None;
    let mut group = c.benchmark_group("append");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(1));
    group.bench_function("64 producers, 1 KiB", |b| {
        rounds.get_or_insert_with(|| append_rounds(&runtime, &log, &streams, &disk, &mut file));
        b.iter_custom(|entries| append_by_producers(&runtime, &log, &streams, entries));
    });
    group.finish();
    if let Some(rounds) = rounds {
        report_append(&rounds);
    }
}

/// What the rounds took in all.
#[derive(Default)]
struct AppendRounds {
    log: Samples,
    bare: Samples,
    ratio: Vec<f64>,
    writes: u64,
}

fn append_rounds(
    runtime: &Runtime,
    log: &Arc<Log>,
    streams: &[StreamId],
    disk: &CountingDisk,
    file: &mut File,
) -> AppendRounds {
    let mut rounds = AppendRounds::default();
    // Not counted: caches are cold and the file systems new.
    append_by_producers(runtime, log, streams, ROUND_ENTRIES);
    for _ in 0..ROUNDS {
        let before = disk.counts();
        let by_log = append_by_producers(runtime, log, streams, ROUND_ENTRIES);
        let written = disk.counts().since(before);
        let bare = bare_loop(file, written.syncs, written.bytes);
        rounds.log.add(by_log, ROUND_ENTRIES);
        rounds.bare.add(bare, ROUND_ENTRIES);
        rounds.ratio.push(bare.as_secs_f64() / by_log.as_secs_f64());
        rounds.writes += written.syncs;
    }
    rounds
}

fn report_append(rounds: &AppendRounds) {
    let mut ratios = rounds.ratio.clone();
    ratios.sort_unstable_by(f64::total_cmp);
    let ratio = ratios[ROUNDS / 2];
    let (Some(by_log), Some(bare)) = (rounds.log.median(), rounds.bare.median()) else { return };
    let batch = ROUND_ENTRIES * ROUNDS as u64 / rounds.writes.max(1);
    verdict::say(
        "append, 64 producers of 1 KiB entries, of a raw write + fdatasync loop of equal batches",
        &format!(
            "{:.0} % ({:.0} entries/s, raw {:.0}, about {batch} entries a batch, rounds {:.0} to \
             {:.0} %)",
            ratio * 100.0,
            1.0 / by_log,
            1.0 / bare,
            ratios[0] * 100.0,
            ratios[ROUNDS - 1] * 100.0
        ),
        ">= 60 %",
        ratio >= APPEND_BUDGET,
    );
}

/// A text message as it stands in the log.
fn message(room: StreamId, person: StreamId, index: i64) -> Draft {
    let redacted = format!(
        r#"{{"auth_events":["$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","$ccccccccccccccccccccccccccccccccccccccccccc"],"content":{{}},"depth":{index},"hashes":{{"sha256":"ddddddddddddddddddddddddddddddddddddddddddd"}},"origin_server_ts":1790000000000,"prev_events":["$eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"],"room_id":"!rrrrrrrrrrrrrrrrrr:bench.example","sender":"@person:bench.example","signatures":{{"bench.example":{{"ed25519:a":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}}}},"type":"m.room.message"}}"#
    );
    let stored = PduStored {
        event_id: "$eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee".to_owned(),
        is_state: false,
        redacted: redacted.into_bytes(),
        residue: None,
        placement: Some(Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            before: StateBefore::AfterPrev,
            changes: Vec::new(),
            extremities: None,
            timeline: Some(TimelinePlace(0, index)),
        }),
        content: Some(PduContent {
            rest: br#"{"content":{"body":"a message of ordinary length, as people write it","msgtype":"m.text"},"org.chancery.salt":"aaaaaaaaaaaaaaaaaaaaaa"}"#.to_vec(),
            whole: false,
            txn: None,
        }),
    };
    let routing = Routing {
        stream: room.into(),
        actor: person.into(),
        person: Some(person.into()),
        cause: Some(EntryRef::At(LogPosition(room.0))),
    };
    Fact::from(stored).draft(routing).expect("complete")
}

/// One pass over 20,000 messages: read, open, check commitments, decode.
fn replay(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let log = open(dir.path(), Arc::new(OsDisk));
    let person = open_stream(&log, StreamKind::User, "@person:bench.example".to_owned());
    let room = open_stream(&log, StreamKind::Room, "!room:bench.example".to_owned());
    let mut last = None;
    for chunk in 0..REPLAYED / 100 {
        let base = i64::try_from(chunk * 100).expect("small");
        let drafts = (0..100).map(|i| message(room, person, base + i)).collect();
        last = Some(log.append(Batch { drafts, expects: Vec::new() }).expect("an open log"));
    }
    last.expect("something was appended").durable.wait().expect("durable");
    let mut group = c.benchmark_group("replay");
    group.sample_size(10);
    group.throughput(Throughput::Elements(REPLAYED as u64));
    let mut samples = Samples::default();
    group.bench_function("open and decode 20,000 PDUs", |b| {
        b.iter_custom(|times| {
            samples.time(times, || {
                black_box(replay_all(&log));
            })
        });
    });
    group.finish();
    if let Some(seconds) = samples.median() {
        #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
        let (rate, by_cpu) = (REPLAYED as f64 / seconds, REPLAYED as f64 / samples.cpu());
        verdict::say(
            "replay with opening and decoding, one thread",
            &format!("{rate:.0} PDUs/s ({by_cpu:.0} a second of processor time)"),
            ">= 100,000 PDUs/s a core",
            by_cpu >= REPLAY_BUDGET,
        );
    }
}

fn replay_all(log: &Log) -> usize {
    let mut from = LogPosition(0);
    let mut facts = 0;
    loop {
        let entries = log.read_range(from, 1_000, 4 * 1024 * 1024).expect("a readable log");
        let Some(end) = entries.last() else { return facts };
        from = end.header.position.next();
        for entry in &entries {
            facts += usize::from(black_box(entry.fact()).is_ok());
        }
    }
}

criterion_group!(benches, append, replay);
criterion_main!(benches);
