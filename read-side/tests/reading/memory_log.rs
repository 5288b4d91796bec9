//! A log in memory that the client view follows: gives positions, seals nothing.

use facts::{
    EntryHeader, Fact, Incarnation, KeyEpoch, LogId, LogPosition, Revision, StreamId, StreamRef,
    Timestamp, fact::LogOpened,
};
use parking_lot::Mutex;
use projections::source::{EntrySource, SourceEntry, SourceError};
use tokio::sync::watch;

pub(crate) struct MemoryLog {
    id: LogId,
    entries: Mutex<Vec<SourceEntry>>,
    head: watch::Sender<LogPosition>,
}

impl MemoryLog {
    pub(crate) fn new() -> Self {
        let log = Self {
            id: LogId([9; 16]),
            entries: Mutex::new(Vec::new()),
            head: watch::Sender::new(LogPosition(0)),
        };
        let opened =
            LogOpened { log_id: log.id, server_name: super::world::HERE.to_owned(), format: 1 };
        log.append(vec![(StreamRef::OpenedBy(0), opened.into())]);
        log
    }

    /// Appends facts as one batch; `OpenedBy(k)` names the stream that the k-th opens.
    pub(crate) fn append(&self, facts: Vec<(StreamRef, Fact)>) -> Vec<LogPosition> {
        let mut entries = self.entries.lock();
        let batch = LogPosition(entries.len() as u64);
        let mut given = Vec::new();
        for (stream, fact) in facts {
            let position = LogPosition(entries.len() as u64);
            let stream = match stream {
                StreamRef::Existing(stream) => stream,
                StreamRef::OpenedBy(k) => StreamId(batch.0 + u64::from(k)),
            };
            let mut digest = [9; 32];
            digest[..8].copy_from_slice(&position.0.to_be_bytes());
            entries.push(SourceEntry {
                header: header(position, stream, batch, &fact),
                digest,
                fact: Some(fact),
            });
            given.push(position);
        }
        let head = LogPosition(entries.len() as u64 - 1);
        drop(entries);
        self.head.send_replace(head);
        given
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
        let at = usize::try_from(position.0).expect("fits");
        Ok(self.entries.lock().get(at).cloned())
    }

    fn read_range(&self, from: LogPosition, max: usize) -> Result<Vec<SourceEntry>, SourceError> {
        let at = usize::try_from(from.0).expect("fits");
        Ok(self.entries.lock().iter().skip(at).take(max).cloned().collect())
    }

    fn subscribe(&self) -> watch::Receiver<LogPosition> {
        self.head.subscribe()
    }
}
