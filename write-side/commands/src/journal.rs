//! The log, as the write side uses it.
//!
//! Owns the port between commands and the event log: appending, reading back, waiting for
//! durability. `of_log.rs` is the one that serves; tests hand in one that fails on purpose.
//! Invariants: I1, I3 (nobody is answered before `durable` says so).

mod of_log;

use std::{future::Future, pin::Pin, sync::Arc};

use facts::{Batch, EntryHeader, Fact, Incarnation, LogId, LogPosition, StreamId};

/// A boxed future, for ports that are used as objects.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalIdentity {
    /// Identity of the log.
    pub log_id: LogId,
    /// Its incarnation.
    pub incarnation: Incarnation,
}

/// An entry in clear.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// Its header.
    pub header: EntryHeader,
    /// The fact; `None` once its keys are destroyed.
    pub fact: Option<Fact>,
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The writer has stopped.
    #[error("the writer has stopped")]
    Stopped,
    /// The writer's queue is full.
    #[error("the writer's queue is full")]
    Full,
    /// A stream is not at the expected revision: decide again.
    #[error("a stream has moved on")]
    Moved,
    /// The records of the person of this stream were erased, and no key seals new ones.
    #[error("the person of stream {0} has no open key tree")]
    PersonErased(StreamId),
    /// The batch breaks a rule of form.
    #[error("the batch is malformed: {0}")]
    Malformed(String),
}

/// The log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the log failed")]
pub struct JournalFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The writer stopped before the entry was durable; whether it is on disk is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the writer stopped before the entry was durable")]
pub struct NotDurable;

/// What the write side needs of a log.
pub trait Journal: Send + Sync + 'static {
    /// Which log it is.
    fn identity(&self) -> JournalIdentity;

    /// Gives positions at once, in order of the calls, without waiting for the disk. Answers the
    /// header of each draft.
    fn append(&self, batch: Batch) -> Result<Vec<EntryHeader>, AppendError>;

    /// As [`Self::append`]; `facts` are what the drafts decode to, in order, for a log that hands
    /// them on to its followers.
    fn append_known(
        &self,
        batch: Batch,
        _facts: &[Option<Arc<Fact>>],
    ) -> Result<Vec<EntryHeader>, AppendError> {
        self.append(batch)
    }

    /// Waits until the entry at `position` is durable.
    fn durable(&self, position: LogPosition) -> PortFuture<'_, Result<(), NotDurable>>;

    /// Reads a durable entry; may wait for the disk. `None` past the durable head.
    fn read(&self, position: LogPosition) -> Result<Option<JournalEntry>, JournalFault>;

    /// Reads durable entries in order; at most `max_entries`, and at least one if there is one.
    fn read_range(
        &self,
        from: LogPosition,
        max_entries: usize,
    ) -> Result<Vec<JournalEntry>, JournalFault>;

    /// Digest of a durable entry. `None` past the durable head.
    fn digest(&self, position: LogPosition) -> Result<Option<[u8; 32]>, JournalFault>;
}
