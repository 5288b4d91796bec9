//! The ledger: what following the log costs whoever appends, and one proof in a tree of 100
//! million entries.
//!
//! *Cost*: 64 producers append messages one at a time, on two logs in turns: one has a ledger that
//! follows it as a server's does (a step each second), the other has none. *Proof*: the tree is
//! synthetic. Its entries' hashes are all zero, so that level 0 is a file with holes (3 GB by its
//! length, next to nothing on the disk); the levels above hold the hashes that follow from it. Of
//! the tiles that are asked for, level 0 is really written, and for the cold figure the system's
//! copies of all files are dropped first. A proof is computed from the files and verified against
//! the root, as the server does before it answers; reading the entry's digest from the log is not
//! in it.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/verdict.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod verdict;

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use event_log::{
    Log, LogOptions, SystemRandom,
    ledger::{Ledger, Levels, inclusion_ranges, node_hash, verify_inclusion},
};
use facts::{
    Batch, ClearPart, Draft, Fact, RecordClass, Routing, StreamId, StreamRef, Timestamp,
    fact::{StreamKind, StreamOpened},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const PRODUCERS: usize = 64;
/// Rounds of each, and the entries of one: long enough to have steps of the follower in it.
const ROUNDS: usize = 16;
const ROUND_ENTRIES: usize = 96_000;
/// As `[ledger] checkpoint_interval_ms` has it.
const INTERVAL: Duration = Duration::from_secs(1);
const COST_BUDGET: f64 = 0.05;

const SIZE: u64 = 100_000_000;
const PROOFS: usize = 2_000;
const COLD_PROOFS: usize = 200;
const PROOF_BUDGET: Duration = Duration::from_millis(1);
const HASH: u64 = 32;
const TILE: u64 = 256;

fn main() {
    // Cargo says `--bench` to every bench; `cost` or `proof` asks for one alone.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if asked("cost") {
        cost();
    }
    if asked("proof") {
        proof();
    }
}

/// A log with its producers' streams, and the thread that follows it if there is one.
struct Appending {
    log: Arc<Log>,
    streams: Vec<StreamId>,
    follower: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    _dir: tempfile::TempDir,
}

impl Appending {
    fn new(with_ledger: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = || Timestamp(1_790_000_000_000);
        let options = LogOptions::new(dir.path(), "bench.example");
        let log = Log::open(options, Arc::new(clock), Arc::new(SystemRandom)).expect("a new log");
        let log = Arc::new(log);
        let follower = with_ledger.then(|| {
            let ledger = Ledger::open(Arc::clone(&log), &SystemRandom).expect("a ledger");
            let (stop, stopped) = mpsc::channel();
            let following = std::thread::spawn(move || {
                let start = Instant::now();
                let clock = move || {
                    let passed = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                    Timestamp(passed)
                };
                let go_on =
                    |pause| stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout);
                ledger.follow(INTERVAL, &clock, go_on).expect("a ledger that follows");
            });
            (stop, following)
        });
        let streams = (0..PRODUCERS).map(|number| open_stream(&log, number)).collect();
        Self { log, streams, follower, _dir: dir }
    }

    /// Every producer appends one entry at a time and waits for each; entries a second, and a
    /// second of processor time.
    fn round(&self) -> (f64, f64) {
        let (start, cpu) = (Instant::now(), verdict::cpu_seconds());
        std::thread::scope(|scope| {
            for stream in &self.streams {
                scope.spawn(move || {
                    for _ in 0..ROUND_ENTRIES / PRODUCERS {
                        let batch = Batch { drafts: vec![draft(*stream)], expects: Vec::new() };
                        let appended = self.log.append(batch).expect("an open log");
                        appended.durable.wait().expect("durable");
                    }
                });
            }
        });
        #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
        let entries = ROUND_ENTRIES as f64;
        (entries / start.elapsed().as_secs_f64(), entries / (verdict::cpu_seconds() - cpu))
    }

    fn end(self) {
        if let Some((stop, following)) = self.follower {
            drop(stop);
            following.join().expect("a follower that ends");
        }
        self.log.close();
    }
}

fn open_stream(log: &Log, number: usize) -> StreamId {
    let routing = Routing {
        stream: StreamRef::OpenedBy(0),
        actor: StreamRef::LOG,
        person: None,
        cause: None,
    };
    let opened = StreamOpened { kind: StreamKind::Room, name: format!("!{number}:bench.example") };
    let drafts = vec![Fact::from(opened).draft(routing).expect("complete")];
    let appended = log.append(Batch { drafts, expects: Vec::new() }).expect("an open log");
    StreamId(appended.first.0)
}

/// As many bytes as a text message has, in two parts like one.
fn draft(stream: StreamId) -> Draft {
    let part = |class, bytes| ClearPart { class, person: None, bytes: vec![b'x'; bytes] };
    Draft {
        stream: stream.into(),
        actor: StreamRef::LOG,
        cause: None,
        fact_type: 16,
        fact_version: 1,
        parts: vec![
            part(RecordClass::MessageSkeleton, 700),
            part(RecordClass::MessageContent, 150),
        ],
    }
}

fn cost() {
    let (with, without) = (Appending::new(true), Appending::new(false));
    // Not counted: caches are cold and the files new.
    with.round();
    without.round();
    let (mut rates_with, mut rates_without) = (Rates::default(), Rates::default());
    for round in 0..ROUNDS {
        // Who is first changes too.
        if round % 2 == 0 {
            rates_with.add(with.round());
            rates_without.add(without.round());
        } else {
            rates_without.add(without.round());
            rates_with.add(with.round());
        }
    }
    with.end();
    without.end();
    let (with, without) = (rates_with.medians(), rates_without.medians());
    let (cost, by_cpu) = (1.0 - with.0 / without.0, 1.0 - with.1 / without.1);
    verdict::say(
        "the ledger's cost, of the appending of 64 producers",
        &format!(
            "{:.1} % ({:.0} entries/s with it, {:.0} without; by processor time {:.1} %: {:.0} and \
             {:.0} a second)",
            cost * 100.0,
            with.0,
            without.0,
            by_cpu * 100.0,
            with.1,
            without.1
        ),
        "<= 5 %",
        cost <= COST_BUDGET,
    );
}

/// Entries a second of each round, by the clock and by processor time.
#[derive(Default)]
struct Rates(Vec<f64>, Vec<f64>);

impl Rates {
    fn add(&mut self, (rate, by_cpu): (f64, f64)) {
        self.0.push(rate);
        self.1.push(by_cpu);
    }

    fn medians(&mut self) -> (f64, f64) {
        (median(&mut self.0), median(&mut self.1))
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn proof() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut random = StdRng::seed_from_u64(1);
    let positions: Vec<u64> = (0..PROOFS).map(|_| random.random_range(0..SIZE)).collect();
    write_levels(dir.path(), &positions);
    let root = Levels::open_read_only(dir.path()).root(SIZE).expect("a tree");
    for position in &positions {
        prove(dir.path(), *position, &root);
    }
    let levels = Levels::open_read_only(dir.path());
    let mut took: Vec<Duration> = positions
        .iter()
        .map(|position| {
            let start = Instant::now();
            prove_with(&levels, *position, &root);
            start.elapsed()
        })
        .collect();
    report("in the system's memory", &mut took, true);
    let mut took: Vec<Duration> = positions[..COLD_PROOFS]
        .iter()
        .map(|position| {
            forget(dir.path());
            let start = Instant::now();
            prove(dir.path(), *position, &root);
            start.elapsed()
        })
        .collect();
    report("from the disk, every file opened anew", &mut took, false);
}

fn prove(dir: &Path, position: u64, root: &[u8; 32]) {
    prove_with(&Levels::open_read_only(dir), position, root);
}

/// One proof, and its check: the work of the server for an answer.
fn prove_with(levels: &Levels, position: u64, root: &[u8; 32]) {
    let ranges = inclusion_ranges(position, SIZE).expect("in the tree");
    let hashes = levels.ranges(&ranges).expect("readable");
    assert!(verify_inclusion(position, SIZE, &[0; 32], &hashes, root), "the proof holds");
}

fn report(how: &str, took: &mut [Duration], is_budget: bool) {
    took.sort_unstable();
    let micros = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1e6;
    let what = format!("proof of one entry of 100 million, {how}");
    let measured = format!("p50 {:.0} µs, p99 {:.0} µs", micros(50), micros(99));
    if is_budget {
        let kept = micros(99) <= PROOF_BUDGET.as_secs_f64() * 1e6;
        verdict::say(&what, &measured, "p99 <= 1 ms", kept);
    } else {
        verdict::line(&format!("{what}: {measured}"));
    }
}

/// The files of the levels, as `Levels` names them.
fn write_levels(dir: &Path, positions: &[u64]) {
    let level_0 = file(dir, 0);
    level_0.set_len(SIZE * HASH).expect("a file with holes");
    for position in positions {
        let at = position / TILE * TILE * HASH;
        let length = usize::try_from((SIZE * HASH - at).min(TILE * HASH)).expect("a tile");
        level_0.write_all_at(&vec![0; length], at).expect("space");
    }
    level_0.sync_all().expect("a disk");
    let (mut hash, mut count) = ([0; 32], SIZE);
    for level in 1.. {
        count /= TILE;
        if count == 0 {
            break;
        }
        // The root over 256 hashes that are all the same.
        hash = (0..8).fold(hash, |hash, _| node_hash(&hash, &hash));
        let bytes = hash.repeat(usize::try_from(count).expect("memory"));
        let mut file = file(dir, level);
        file.write_all(&bytes).expect("space");
        file.sync_all().expect("a disk");
    }
}

fn file(dir: &Path, level: usize) -> File {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    options.open(dir.join(format!("level-{level}"))).expect("a file")
}

/// Has the system forget its copies of the files (`posix_fadvise`, by way of coreutils' `dd`).
fn forget(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        let mut dd = Command::new("dd");
        dd.arg(format!("if={}", path.display())).args(["iflag=nocache", "count=0"]);
        let status = dd.stderr(Stdio::null()).status().expect("dd is there");
        assert!(status.success(), "{status}");
    }
}
