//! Why a batch was not taken, and why one that was taken did not become durable.
//!
//! Owns the typed answers of the appender. A refusal leaves nothing behind: no position was
//! given. A fault comes after positions were given, and what was decided on them is void.

use facts::{ExpectedRevision, Revision, StreamId};

use crate::stream_index::IndexFault;

/// Why the writer stopped. It stays so until a restart (I13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// A write did not become durable, or nobody knows.
    #[error("a write did not become durable")]
    Disk,
    /// Another writer has the log.
    #[error("another writer has the log")]
    Fenced,
    /// Positions were given to a batch that was then not sealed.
    #[error("a batch could not be sealed")]
    Sealing,
    /// The index of streams could not follow.
    #[error("the index of streams could not be used")]
    Index,
    /// Damage was found in the log.
    #[error("damage was found in the log")]
    Damage,
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// Why a batch was refused.
#[derive(Debug, thiserror::Error)]
pub enum AppendRefusal {
    /// No drafts.
    #[error("a batch needs at least one entry")]
    Empty,
    /// More than [`facts::BATCH_ENTRIES_MAX`] drafts, [`facts::PARTS_MAX`] parts,
    /// [`facts::PART_BYTES_MAX`] bytes in a part or [`crate::BATCH_BYTES_MAX`] in all.
    #[error("a batch or one of its parts is too large")]
    TooLarge,
    /// An expected revision does not hold; decide again.
    #[error("stream {stream} is not at the expected revision")]
    RevisionMoved {
        /// The stream.
        stream: StreamId,
        /// What was expected.
        expected: ExpectedRevision,
        /// Its last revision; `None` where there is no such stream.
        actual: Option<Revision>,
    },
    /// A draft names a stream that does not exist.
    #[error("stream {0} does not exist")]
    UnknownStream(StreamId),
    /// The k-th draft names an entry or a stream of its batch that is not there, or one to come.
    #[error("draft {0} refers to something that its batch does not hold")]
    BadReference(usize),
    /// A personal part outside the person's own stream, and the person has no open tree.
    #[error("the person of stream {0} has no open key tree")]
    NoPersonTree(StreamId),
    /// The key that would seal a part of the k-th draft is destroyed.
    #[error("a key for draft {0} is destroyed")]
    KeyDestroyed(usize),
    /// A stream, or all tree numbers, are used up.
    #[error("no further key can be given to draft {0}")]
    KeysExhausted(usize),
    /// The queue is full; try again shortly.
    #[error("the log's queue is full")]
    Busy,
    /// The writer stopped; reads go on.
    #[error("the log's writer has stopped")]
    Stopped(#[source] StopReason),
    /// The index of streams could not be read.
    #[error("the streams could not be looked up")]
    Index(#[from] IndexFault),
}

/// Why a batch with positions did not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendFault {
    /// It is not in the log.
    #[error("the append failed")]
    Failed,
    /// It may be in the log; a restart will tell.
    #[error("nobody knows whether the append was stored")]
    Unknown,
}
