//! What the write side hands to the log: entries that have no position yet.
//!
//! Owns the shape of a draft and of a batch of drafts. A draft carries clear bytes; the log gives
//! positions, revisions and trees, and seals. Never holds a Matrix rule.

use crate::{EntryRef, RecordClass, Revision, StreamId};

/// Entries appended as one are at most this many.
pub const BATCH_ENTRIES_MAX: usize = 1_000;

/// A stream, perhaps one that the same batch opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamRef {
    /// A stream that exists.
    Existing(StreamId),
    /// The stream opened by the k-th draft of the same batch, counted from 0.
    OpenedBy(u32),
}

impl StreamRef {
    /// The stream of the log itself, which also stands for the server as an actor.
    pub const LOG: Self = Self::Existing(StreamId(0));
}

impl From<StreamId> for StreamRef {
    fn from(stream: StreamId) -> Self {
        Self::Existing(stream)
    }
}

/// One part of a draft in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearPart {
    /// Which tree of the stream seals it.
    pub class: RecordClass,
    /// Stream of the person whose tree is the second key factor; `None` for no person.
    pub person: Option<StreamRef>,
    /// Clear bytes, at most [`crate::PART_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// An entry before it has a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it belongs. `OpenedBy(own index)` opens a new stream.
    pub stream: StreamRef,
    /// Who acts; [`StreamRef::LOG`] for the server.
    pub actor: StreamRef,
    /// The entry that caused it.
    pub cause: Option<EntryRef>,
    /// Registered number of the fact's type.
    pub fact_type: u16,
    /// Version of the fact's shape.
    pub fact_version: u16,
    /// The sealed parts, at most [`crate::PARTS_MAX`].
    pub parts: Vec<ClearPart>,
}

/// What a batch expects of a stream, checked when positions are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// Whatever it is.
    Any,
    /// The stream's last entry has exactly this revision.
    Exactly(Revision),
}

/// Drafts that are appended as one, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The drafts in order, at most [`BATCH_ENTRIES_MAX`].
    pub drafts: Vec<Draft>,
    /// Optimistic conditions, one a stream.
    pub expects: Vec<(StreamId, ExpectedRevision)>,
}
