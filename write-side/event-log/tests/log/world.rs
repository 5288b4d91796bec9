//! What the tests share: a log in a directory of its own, drafts, a clock that stands.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use event_log::{Clock, Log, LogOptions, OpenError, SeededRandom};
use facts::{Batch, ClearPart, Draft, EntryRef, RecordClass, StreamId, StreamRef, Timestamp};
use tempfile::TempDir;

pub(crate) const DAY_MS: u64 = 86_400_000;

/// Clocks that move only when told.
#[derive(Clone)]
pub(crate) struct Hand {
    wall: Arc<AtomicU64>,
    monotonic: Arc<AtomicU64>,
}

impl Hand {
    /// Time passes up to here, by both clocks; or the wall clock is set back.
    pub(crate) fn set(&self, now: u64) {
        let before = self.wall.swap(now, Ordering::SeqCst);
        self.monotonic.fetch_add(now.saturating_sub(before), Ordering::SeqCst);
    }

    /// Somebody sets the wall clock, and no time passes.
    pub(crate) fn jump(&self, now: u64) {
        self.wall.store(now, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic_ms(&self) -> u64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) clock: Hand,
    seed: AtomicU64,
    pub(crate) segment_bytes: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Hand {
                wall: Arc::new(AtomicU64::new(20_000 * DAY_MS)),
                monotonic: Arc::default(),
            },
            seed: AtomicU64::new(1),
            segment_bytes: event_log::SEGMENT_BYTES,
        }
    }

    pub(crate) fn small_segments() -> Self {
        Self { segment_bytes: 4 * 1024, ..Self::new() }
    }

    pub(crate) fn options(&self) -> LogOptions {
        self.options_in(self.dir.path())
    }

    pub(crate) fn options_in(&self, dir: &Path) -> LogOptions {
        LogOptions { segment_bytes: self.segment_bytes, ..LogOptions::new(dir, "example.org") }
    }

    pub(crate) fn random(&self) -> Arc<SeededRandom> {
        Arc::new(SeededRandom::new(self.seed.fetch_add(1, Ordering::SeqCst)))
    }

    pub(crate) fn open(&self) -> Log {
        self.try_open_in(self.dir.path()).unwrap()
    }

    pub(crate) fn try_open_in(&self, dir: &Path) -> Result<Log, OpenError> {
        Log::open(self.options_in(dir), Arc::new(self.clock.clone()), self.random())
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.options().segments_dir()
    }
}

/// Copies a directory: what a crash would leave, as the operating system sees it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), &target).unwrap();
        }
    }
}

/// Files of a directory with this extension, sorted.
pub(crate) fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    found
}

/// Makes a file writable whatever it was.
#[expect(clippy::permissions_set_readonly_false, reason = "a test damages its own files")]
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    if let Ok(metadata) = fs::metadata(path) {
        let mut permissions = metadata.permissions();
        permissions.set_readonly(false);
        fs::set_permissions(path, permissions).unwrap();
    }
    fs::write(path, bytes).unwrap();
}

pub(crate) fn part(class: RecordClass, person: Option<StreamRef>, text: &[u8]) -> ClearPart {
    ClearPart { class, person, bytes: text.to_vec() }
}

pub(crate) fn draft(stream: impl Into<StreamRef>, parts: Vec<ClearPart>) -> Draft {
    Draft {
        stream: stream.into(),
        actor: StreamRef::LOG,
        cause: None::<EntryRef>,
        fact_type: 60_000,
        fact_version: 1,
        parts,
    }
}

pub(crate) fn batch(drafts: Vec<Draft>) -> Batch {
    Batch { drafts, expects: Vec::new() }
}

/// One entry that opens a stream with a name.
pub(crate) fn open_stream(log: &Log, name: &str) -> StreamId {
    let own = StreamRef::OpenedBy(0);
    let name = part(RecordClass::Name, None, name.as_bytes());
    let appended = log.append(batch(vec![draft(own, vec![name])])).unwrap();
    let stream = StreamId(appended.first.0);
    appended.durable.wait().unwrap();
    stream
}

/// One entry that opens a person's stream and tree.
pub(crate) fn open_person(log: &Log, name: &str) -> StreamId {
    let own = StreamRef::OpenedBy(0);
    let parts = vec![
        part(RecordClass::Name, None, name.as_bytes()),
        part(RecordClass::Account, Some(own), b"account"),
    ];
    let appended = log.append(batch(vec![draft(own, parts)])).unwrap();
    let stream = StreamId(appended.first.0);
    appended.durable.wait().unwrap();
    stream
}

/// A room in which a person says numbers, and the two.
pub(crate) fn talk(log: &Log, messages: u32) -> (StreamId, StreamId) {
    let room = open_stream(log, "room");
    let person = open_person(log, "alice");
    for number in 0..messages {
        say(log, room, person, &number.to_be_bytes());
    }
    (room, person)
}

/// A message of a person in a room, durable when this returns.
pub(crate) fn say(log: &Log, room: StreamId, person: StreamId, text: &[u8]) -> event_log::Entry {
    let parts = vec![
        part(RecordClass::MessageSkeleton, None, b"skeleton"),
        part(RecordClass::MessageContent, Some(person.into()), text),
    ];
    let appended = log.append(batch(vec![draft(room, parts)])).unwrap();
    let position = appended.first;
    appended.durable.wait().unwrap();
    log.read(position).unwrap().unwrap()
}
