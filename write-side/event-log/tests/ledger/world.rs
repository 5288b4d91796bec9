//! What the tests share: a log with a ledger in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use event_log::{
    Log, LogOptions, SeededRandom,
    ledger::{Ledger, LedgerError, VerifierKey},
};
use facts::{Batch, ClearPart, Draft, RecordClass, StreamId, StreamRef, Timestamp};
use tempfile::TempDir;

pub(crate) const SERVER: &str = "example.org";

pub(crate) struct World {
    pub(crate) dir: TempDir,
    segment_bytes: u64,
    seed: AtomicU64,
}

/// An open log and its ledger.
pub(crate) struct Running {
    pub(crate) log: Arc<Log>,
    pub(crate) ledger: Ledger,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_segments(event_log::SEGMENT_BYTES)
    }

    pub(crate) fn with_segments(segment_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, segment_bytes, seed: AtomicU64::new(1) }
    }

    pub(crate) fn options_in(&self, dir: &Path) -> LogOptions {
        LogOptions { segment_bytes: self.segment_bytes, ..LogOptions::new(dir, SERVER) }
    }

    pub(crate) fn random(&self) -> Arc<SeededRandom> {
        Arc::new(SeededRandom::new(self.seed.fetch_add(1, Ordering::SeqCst)))
    }

    pub(crate) fn open_log_in(&self, dir: &Path) -> Arc<Log> {
        let clock = Arc::new(|| Timestamp(1_790_000_000_000));
        Arc::new(Log::open(self.options_in(dir), clock, self.random()).unwrap())
    }

    pub(crate) fn try_open_in(&self, dir: &Path) -> Result<Running, LedgerError> {
        let log = self.open_log_in(dir);
        let ledger = Ledger::open(Arc::clone(&log), &*self.random())?;
        Ok(Running { log, ledger })
    }

    pub(crate) fn open_in(&self, dir: &Path) -> Running {
        self.try_open_in(dir).unwrap()
    }

    pub(crate) fn open(&self) -> Running {
        self.open_in(self.dir.path())
    }

    /// A copy of the data directory as it is now.
    pub(crate) fn copied(&self) -> TempDir {
        let to = tempfile::tempdir().unwrap();
        copy(self.dir.path(), to.path());
        to
    }

    pub(crate) fn ledger_dir(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }
}

impl Running {
    /// Opens a stream.
    pub(crate) fn stream(&self) -> StreamId {
        StreamId(append(&self.log, StreamRef::OpenedBy(0), RecordClass::Name, 1))
    }

    /// Appends entries to a stream, in batches; durable when this returns.
    pub(crate) fn fill(&self, stream: StreamId, mut count: usize) {
        while count > 0 {
            let now = count.min(200);
            append(&self.log, stream.into(), RecordClass::MessageSkeleton, now);
            count -= now;
        }
    }

    /// Ends in order, with everything synced.
    pub(crate) fn close(self) {
        self.log.close();
        let clock = || Timestamp(0);
        self.ledger.follow(std::time::Duration::ZERO, &clock, |_| false).unwrap();
    }

    pub(crate) fn trusted(&self) -> Vec<VerifierKey> {
        self.ledger.published().keys.iter().map(|stated| stated.key.clone()).collect()
    }
}

fn append(log: &Log, stream: StreamRef, class: RecordClass, count: usize) -> u64 {
    let draft = || Draft {
        stream,
        actor: StreamRef::LOG,
        cause: None,
        fact_type: 60_000,
        fact_version: 1,
        parts: vec![ClearPart { class, person: None, bytes: b"something".to_vec() }],
    };
    let drafts = (0..count).map(|_| draft()).collect();
    let appended = log.append(Batch { drafts, expects: Vec::new() }).unwrap();
    let first = appended.first.0;
    appended.durable.wait().unwrap();
    first
}

/// Copies a directory.
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

/// Writes over a file, read-only or not.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// Segments of a data directory, in order.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir.join("log/segments"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    found.sort();
    found
}
