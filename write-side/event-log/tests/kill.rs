//! `kill -9` of a real process: whatever it acknowledged is there afterwards, once.
//!
//! The child appends from two threads, destroys keys now and then, and says on its standard output
//! what was acknowledged to it. The parent kills it at a random moment, checks the files, and lets
//! the next child go on with what is left. `CHANCERY_SEED` repeats a run, `CHANCERY_KILLS` sets
//! the number of rounds.
//!
//! Holds invariants I3 and I7.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]
#![expect(clippy::print_stdout, reason = "the seed of a run is for whoever repeats it")]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use event_log::{
    Log, LogOptions, PartContent, Random as _, Scavenging, SeededRandom, ShredRequest,
    SystemRandom, verify,
};
use facts::{
    Batch, ClearPart, Draft, KeyEpoch, LogPosition, RecordClass, StreamId, StreamRef, Timestamp,
    fact::{KeyRange, ShredCause},
};

const ROUNDS: u64 = 20;
const CHILD: &str = "CHANCERY_KILL_CHILD";
/// A child is killed at the latest after this many acknowledgments.
const ACKNOWLEDGMENTS_MAX: u64 = 300;

fn main() {
    match env::var_os(CHILD) {
        Some(dir) => child(&PathBuf::from(dir)),
        None => parent(),
    }
}

fn open(dir: &Path) -> Log {
    let options = LogOptions { segment_bytes: 16 * 1024, ..LogOptions::new(dir, "example.org") };
    let clock = || Timestamp(1_790_000_000_000);
    Log::open(options, Arc::new(clock), Arc::new(SystemRandom)).unwrap()
}

// ---- the child ----

fn child(dir: &Path) {
    let log = Arc::new(open(dir));
    let counter = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (log, counter) = (Arc::clone(&log), Arc::clone(&counter));
            thread::spawn(move || converse(&log, &counter))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
}

/// Opens a stream and writes to it until it is killed.
fn converse(log: &Log, counter: &AtomicU64) {
    let own = StreamRef::OpenedBy(0);
    let opened = log.append(batch(vec![entry(own, b"opened")])).unwrap();
    let stream = StreamId(opened.first.0);
    let tree = opened.headers[0].parts[0].stream_tree.0;
    opened.durable.wait().unwrap();
    for turn in 1_u64.. {
        let count = counter.fetch_add(1, Ordering::SeqCst) % 5 + 1;
        let texts = (0..count).map(|k| format!("{stream} {turn} {k} {}", "x".repeat(100)));
        let texts: Vec<_> = texts.collect();
        let drafts = texts.iter().map(|text| entry(stream.into(), text.as_bytes())).collect();
        let appended = log.append(batch(drafts)).unwrap();
        let headers = appended.headers.clone();
        appended.durable.wait().unwrap();
        for (header, text) in headers.iter().zip(&texts) {
            say(&format!("ack {} {text}", header.position));
        }
        if turn.is_multiple_of(40) {
            let last = u32::try_from(headers[0].revision.0 / 2).unwrap();
            log.order_shred(prefix(tree, last), |_| Vec::new()).unwrap();
            say(&format!("shred {stream} {last}"));
        }
    }
}

fn say(line: &str) {
    // The pipe is gone once the parent is: then there is nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn batch(drafts: Vec<Draft>) -> Batch {
    Batch { drafts, expects: Vec::new() }
}

fn entry(stream: StreamRef, text: &[u8]) -> Draft {
    Draft {
        stream,
        actor: StreamRef::LOG,
        cause: None,
        fact_type: 60_000,
        fact_version: 1,
        parts: vec![ClearPart {
            class: RecordClass::MessageContent,
            person: None,
            bytes: text.to_vec(),
        }],
    }
}

fn prefix(tree: u32, leaf_last: u32) -> ShredRequest {
    ShredRequest {
        ranges: vec![KeyRange {
            epoch_first: KeyEpoch(1),
            epoch_last: KeyEpoch(u32::MAX),
            tree,
            leaf_first: 0,
            leaf_last,
        }],
        cause: ShredCause::Retention,
        expects: Vec::new(),
        scavenging: Scavenging::All,
    }
}

// ---- the parent ----

/// What children were told.
#[derive(Default)]
struct Told {
    texts: BTreeMap<u64, String>,
    /// By stream, the last revision that is destroyed.
    destroyed: BTreeMap<u64, u64>,
}

fn parent() {
    let seed =
        env::var("CHANCERY_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().unwrap());
    let rounds = env::var("CHANCERY_KILLS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    println!("kill -9 at {rounds} moments, CHANCERY_SEED={seed}");
    let random = SeededRandom::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for round in 0..rounds {
        let moment = draw(&random) % ACKNOWLEDGMENTS_MAX;
        run_and_kill(dir.path(), moment, draw(&random) % 20_000, &mut told);
        check_files(dir.path(), &told, &format!("round {round}, CHANCERY_SEED={seed}"));
        // In every other round the next child itself is the first to open what is left.
        if round % 2 == 0 {
            check_entries(dir.path(), &told, &format!("round {round}, CHANCERY_SEED={seed}"));
        }
    }
    check_entries(dir.path(), &told, &format!("at the end, CHANCERY_SEED={seed}"));
    println!("{} acknowledged entries are there; ok", told.texts.len());
}

fn fresh_seed() -> u64 {
    let mut seed = [0; 8];
    SystemRandom.fill(&mut seed);
    u64::from_be_bytes(seed)
}

fn draw(random: &SeededRandom) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Kills after so many acknowledgments and a little work of its own, so that the moment falls
/// anywhere in a write. What the child said before it died counts.
fn run_and_kill(dir: &Path, acknowledgments: u64, spins: u64, told: &mut Told) {
    let mut child = Command::new(env::current_exe().unwrap())
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = 0;
    while heard < acknowledgments {
        let line = lines.next().expect("the child ended by itself").unwrap();
        told.hear(&line);
        heard += 1;
    }
    for spin in 0..spins {
        std::hint::black_box(spin);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    // The last line may be cut: what does not parse was not said.
    for line in rest {
        told.hear(&line);
    }
}

impl Told {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words.as_slice() {
            ["ack", position, text] if text.len() > 100 => {
                let position = position.parse().unwrap();
                let before = self.texts.insert(position, (*text).to_owned());
                assert_eq!(before, None, "position {position} was given twice");
            }
            ["shred", stream, last] => {
                let (Ok(stream), Ok(last)) = (stream.parse(), last.parse()) else { return };
                self.destroyed.insert(stream, last);
            }
            _ => {}
        }
    }
}

fn check_files(dir: &Path, told: &Told, when: &str) {
    let segments = LogOptions::new(dir, "example.org").segments_dir();
    if !segments.exists() {
        assert!(told.texts.is_empty(), "{when}");
        return;
    }
    let report = verify(&segments, None).unwrap();
    assert!(report.ok, "{when}: {report:?}");
    let last = told.texts.keys().next_back().copied();
    assert!(report.head.map(|head| head.0) >= last, "{when}: {report:?}, told of {last:?}");
}

fn check_entries(dir: &Path, told: &Told, when: &str) {
    let log = open(dir);
    for (position, text) in &told.texts {
        let entry = log.read(LogPosition(*position)).unwrap();
        let entry = entry.unwrap_or_else(|| panic!("{when}: position {position} is missing"));
        let destroyed = told.destroyed.get(&entry.header.stream.0);
        let must_be_gone = destroyed.is_some_and(|last| entry.header.revision.0 <= *last);
        match &entry.parts[0] {
            PartContent::Clear(bytes) => {
                assert_eq!(bytes, text.as_bytes(), "{when}: position {position}");
                assert!(!must_be_gone, "{when}: position {position} was destroyed");
            }
            // An order that nobody was told of may have been carried out all the same.
            PartContent::Destroyed => {}
        }
    }
    assert!(log.head().0 >= told.texts.len() as u64, "{when}");
}
