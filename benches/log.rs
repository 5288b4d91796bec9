//! The log: appending against a bare write + `fdatasync` loop, and replaying with opening and
//! decoding.
//!
//! `append/log` and `append/bare` write the same number of bytes in the same number of entries by
//! 64 producers; the bare loop groups what 64 producers have ready into one write, as the log
//! does. Their ratio is the budget (docs/performance.md), absolute times mean little.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::{
    fs::File,
    hint::black_box,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event_log::{Log, LogOptions, SystemRandom};
use facts::{
    Batch, ClearPart, Draft, EntryRef, Fact, LogPosition, RecordClass, Routing, StreamId,
    StreamRef, Timestamp,
    fact::{
        PduContent, PduStored, Placement, PlacementKind, StateBefore, StreamKind, StreamOpened,
        TimelinePlace, Verdict,
    },
};

const PRODUCERS: usize = 64;
const ENTRY_BYTES: usize = 1024;
/// Entries replayed in one pass.
const REPLAYED: usize = 20_000;

fn open(dir: &Path) -> Arc<Log> {
    let clock = || Timestamp(1_790_000_000_000);
    let options = LogOptions::new(dir, "bench.example");
    Arc::new(Log::open(options, Arc::new(clock), Arc::new(SystemRandom)).expect("a new log"))
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

/// 64 threads append one entry at a time and wait for each.
fn append_by_producers(log: &Arc<Log>, streams: &[StreamId], entries: u64) -> Duration {
    let each = entries.div_ceil(PRODUCERS as u64);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for stream in streams {
            let log = Arc::clone(log);
            scope.spawn(move || {
                for _ in 0..each {
                    let batch = Batch { drafts: vec![draft(*stream)], expects: Vec::new() };
                    let appended = log.append(batch).expect("an open log");
                    appended.durable.wait().expect("durable");
                }
            });
        }
    });
    start.elapsed()
}

/// Groups of 64 entries, each group one write and one `fdatasync`.
fn bare_loop(file: &mut File, entries: u64) -> Duration {
    let group = vec![b'x'; PRODUCERS * (ENTRY_BYTES + 200)];
    let start = Instant::now();
    for _ in 0..entries.div_ceil(PRODUCERS as u64) {
        file.write_all(&group).expect("space");
        file.sync_data().expect("a disk");
    }
    start.elapsed()
}

fn append(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let log = open(&dir.path().join("data"));
    let streams: Vec<_> = (0..PRODUCERS)
        .map(|i| open_stream(&log, StreamKind::Room, format!("!{i}:bench.example")))
        .collect();
    let mut group = c.benchmark_group("append");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(1));
    group.bench_function("log", |b| {
        b.iter_custom(|entries| append_by_producers(&log, &streams, entries));
    });
    let mut file = File::create(dir.path().join("bare")).expect("a file");
    group.bench_function("bare", |b| b.iter_custom(|entries| bare_loop(&mut file, entries)));
    group.finish();
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
    let log = open(dir.path());
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
    group.bench_function("open and decode 20,000 PDUs", |b| b.iter(|| replay_all(&log)));
    group.finish();
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
