//! A log in memory for tests of views and of what reads them.
//!
//! Owns giving positions as the log does, and through [`Scribe`] rooms whose events are in step.
//! Seals nothing and outlives nothing; there is only with the feature `testing`.

mod scribe;

use std::sync::Arc;

use facts::{
    EntryHeader, Fact, Incarnation, KeyEpoch, LogId, LogPosition, Revision, StreamId, StreamRef,
    Timestamp,
    fact::{LogOpened, PduStub},
};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::scribe::{Room, Scribe, user_id};
use super::{EntrySource, SourceEntry, SourceError};

/// The server whose log it is.
pub const HERE: &str = "here.test";

/// A log in memory.
pub struct MemoryLog {
    id: LogId,
    entries: Mutex<Vec<SourceEntry>>,
    head: watch::Sender<LogPosition>,
}

impl MemoryLog {
    /// A log that was opened; `id` tells it from others.
    pub fn new(id: u8) -> Self {
        let log = Self {
            id: LogId([id; 16]),
            entries: Mutex::new(Vec::new()),
            head: watch::Sender::new(LogPosition(0)),
        };
        let opened = LogOpened { log_id: log.id, server_name: HERE.to_owned(), format: 1 };
        log.append(vec![(StreamRef::OpenedBy(0), opened.into())]);
        log
    }

    /// Appends facts as one batch; `OpenedBy(k)` names the stream that the k-th opens.
    pub fn append(&self, facts: Vec<(StreamRef, Fact)>) -> Vec<LogPosition> {
        let mut entries = self.entries.lock();
        let batch = LogPosition(entries.len() as u64);
        let mut given = Vec::new();
        for (stream, fact) in facts {
            let position = LogPosition(entries.len() as u64);
            let stream = match stream {
                StreamRef::Existing(stream) => stream,
                StreamRef::OpenedBy(k) => StreamId(batch.0 + u64::from(k)),
            };
            let mut digest = [self.id.0[0]; 32];
            digest[..8].copy_from_slice(&position.0.to_be_bytes());
            entries.push(SourceEntry {
                header: header(position, stream, batch, &fact),
                digest,
                fact: Some(Arc::new(fact)),
            });
            given.push(position);
        }
        let head = LogPosition(entries.len() as u64 - 1);
        drop(entries);
        self.head.send_replace(head);
        given
    }

    /// Makes the entry at a position unreadable.
    pub fn destroy(&self, position: LogPosition) {
        self.entries.lock()[index(position)].fact = None;
    }

    /// Makes the message for which a stub stands unreadable but for the stub.
    pub fn leave_stub(&self, stub: PduStub) {
        let at = index(stub.pdu);
        self.entries.lock()[at].fact = Some(Arc::new(Fact::PduStub(stub)));
    }

    /// Makes the content of the event at a position unreadable.
    pub fn destroy_content(&self, position: LogPosition) {
        let mut entries = self.entries.lock();
        let at = index(position);
        if let Some(Fact::PduStored(stored)) = entries[at].fact.as_mut().map(Arc::make_mut) {
            stored.content = None;
        }
    }
}

fn header(position: LogPosition, stream: StreamId, batch: LogPosition, fact: &Fact) -> EntryHeader {
    EntryHeader {
        position,
        stream,
        revision: Revision(0),
        incarnation: Incarnation(1),
        fact_type: fact.fact_type(),
        fact_version: fact.version(),
        recorded_at: Timestamp(1_000 + position.0),
        key_epoch: KeyEpoch(1),
        batch,
        actor: StreamId(0),
        cause: LogPosition(0),
        parts: Vec::new(),
    }
}

impl EntrySource for MemoryLog {
    fn log_id(&self) -> LogId {
        self.id
    }

    fn head(&self) -> LogPosition {
        *self.head.borrow()
    }

    fn read(&self, position: LogPosition) -> Result<Option<SourceEntry>, SourceError> {
        let at = index(position);
        Ok(self.entries.lock().get(at).cloned())
    }

    fn read_range(&self, from: LogPosition, max: usize) -> Result<Vec<SourceEntry>, SourceError> {
        let at = index(from);
        let entries = self.entries.lock();
        Ok(entries.iter().skip(at).take(max).cloned().collect())
    }

    fn subscribe(&self) -> watch::Receiver<LogPosition> {
        self.head.subscribe()
    }
}

fn index(position: LogPosition) -> usize {
    usize::try_from(position.0).expect("a log in memory has no more entries than memory has bytes")
}
