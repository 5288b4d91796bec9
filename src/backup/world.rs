//! What the tests of backups share: a log that is written to here, its ledger, and files of media.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use event_log::{Entry, Log, LogOptions, ShredRequest, SystemRandom, ledger::Ledger};
use facts::{
    Batch, ClearPart, Draft, KeyEpoch, RecordClass, StreamId, StreamRef,
    fact::{KeyRange, ShredCause},
};
use tempfile::TempDir;

use super::{
    BackupPoint, LiveLog, LogCopy, NewestRequest, Place, Restore, Target, copy_keys,
    dir_store::BeforeStep, keys_copy::copy_keys_into, log_copy::CopyReport, manifest::Kind,
};
use crate::clock::SystemClock;

/// Small, so that a test has many.
const SEGMENT_BYTES: u64 = 4 * 1024;

/// A data directory, its backup, and places to restore to.
pub(super) struct World {
    pub(super) dir: TempDir,
    pub(super) live: LiveLog,
    pub(super) room: StreamId,
    pub(super) person: StreamId,
}

pub(super) fn options(dir: &Path) -> LogOptions {
    LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::new(dir, "example.org") }
}

pub(super) fn open(dir: &Path) -> Result<Log> {
    Ok(Log::open(options(dir), Arc::new(SystemClock), Arc::new(SystemRandom))?)
}

impl World {
    /// A log with a room, a person, and messages.
    pub(super) fn new(messages: u32) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let log = Arc::new(open(&dir.path().join("data"))?);
        let ledger = Arc::new(Ledger::open(Arc::clone(&log), &SystemRandom)?);
        let live = LiveLog { log, ledger };
        let opened = |classes: &[RecordClass]| -> Result<StreamId> {
            let own = StreamRef::OpenedBy(0);
            let person = |class| (class != RecordClass::Name).then_some(own);
            let parts = classes.iter().map(|class| part(*class, person(*class), b"opened"));
            let appended = live.log.append(batch(vec![draft(own, parts.collect())]))?;
            let stream = StreamId(appended.first.0);
            appended.durable.wait()?;
            Ok(stream)
        };
        let room = opened(&[RecordClass::Name])?;
        let person = opened(&[RecordClass::Name, RecordClass::Account])?;
        let world = Self { dir, live, room, person };
        world.talk(messages)?;
        Ok(world)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(super) fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    pub(super) fn restored(&self) -> PathBuf {
        self.dir.path().join("restored")
    }

    pub(super) fn talk(&self, messages: u32) -> Result<()> {
        for number in 0..messages {
            self.say(&number.to_be_bytes())?;
        }
        Ok(())
    }

    /// A message, durable when this returns.
    pub(super) fn say(&self, text: &[u8]) -> Result<Entry> {
        say(&self.live.log, self.room, self.person, text)
    }

    /// A sealed file of media, as the store of media would have it.
    pub(super) fn media(&self, number: u8, bytes: &[u8]) -> Result<PathBuf> {
        let name = format!("{number:032x}");
        let path = self.data().join("media").join(&name[30..]).join(&name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Destroys the tree that a part is sealed under.
    pub(super) fn destroy(&self, tree: u32) -> Result<()> {
        let range = KeyRange {
            epoch_first: KeyEpoch(1),
            epoch_last: KeyEpoch(u32::MAX),
            tree,
            leaf_first: 0,
            leaf_last: u32::MAX,
        };
        let request = ShredRequest {
            ranges: vec![range],
            cause: ShredCause::Erasure,
            expects: Vec::new(),
            scavenging: event_log::Scavenging::All,
        };
        self.live.log.order_shred(request, |_| Vec::new())?;
        Ok(())
    }

    pub(super) fn point(&self) -> BackupPoint {
        self.live.point()
    }

    /// A whole backup.
    pub(super) fn take(&self) -> Result<CopyReport> {
        let point = self.point();
        let copy = LogCopy::take(&self.data(), &Place::Dir(self.backup()), &point, 7)?;
        copy_keys(&self.data().join("keyring"), &self.keys(), &point, (7, 7), |dir| {
            self.live.copy_keyring(dir)
        })?;
        copy.commit()
    }

    /// The same, with something before each durable step of the log's and the keys' target.
    pub(super) fn take_with(&self, log: BeforeStep, keys: BeforeStep) -> Result<CopyReport> {
        let point = self.point();
        let target = Target::open_with(&self.backup(), Kind::Log, &point, log)?;
        let copy = LogCopy::take_into(target, &self.data(), &point, 8)?;
        let target = Target::open_with(&self.keys(), Kind::Keys, &point, keys)?;
        copy_keys_into(target, &self.data().join("keyring"), &point, (8, 7), |dir| {
            self.live.copy_keyring(dir)
        })?;
        copy.commit()
    }

    pub(super) fn restore(&self) -> Restore {
        Restore {
            from: Place::Dir(self.backup()),
            keys_from: self.keys(),
            to: self.restored(),
            position: None,
            newest: NewestRequest::default(),
        }
    }
}

/// A message of a person in a room.
pub(super) fn say(log: &Log, room: StreamId, person: StreamId, text: &[u8]) -> Result<Entry> {
    let parts = vec![
        part(RecordClass::MessageSkeleton, None, &[7; 40]),
        part(RecordClass::MessageContent, Some(person.into()), text),
    ];
    let appended = log.append(batch(vec![draft(room.into(), parts)]))?;
    let position = appended.first;
    appended.durable.wait()?;
    log.read(position)?.ok_or_else(|| anyhow::anyhow!("an entry that was appended"))
}

fn part(class: RecordClass, person: Option<StreamRef>, text: &[u8]) -> ClearPart {
    ClearPart { class, person, bytes: text.to_vec() }
}

fn draft(stream: StreamRef, parts: Vec<ClearPart>) -> Draft {
    Draft { stream, actor: StreamRef::LOG, cause: None, fact_type: 60_000, fact_version: 1, parts }
}

fn batch(drafts: Vec<Draft>) -> Batch {
    Batch { drafts, expects: Vec::new() }
}
