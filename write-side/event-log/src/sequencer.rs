//! Sequencers: who gives positions their order and makes writes durable (LOG.md section 7).
//!
//! Owns the trait and the shape of a sealed write. Sealed bytes are frozen before the append:
//! a retry hands over the same bytes, and equal digests mean that it is the same write.
//! Invariants: I4 (one sequencer, contiguous positions), I13.

#[cfg(test)]
mod contract;
pub(crate) mod embedded;
pub(crate) mod memory;
pub(crate) mod target;

use facts::{EntryHeader, LogPosition};

use crate::{Digest, write::WriteHeader};

/// A write whose bytes are frozen.
#[derive(Clone, Debug)]
pub struct SealedWrite {
    pub(crate) header: WriteHeader,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    /// Offset of each frame within `bytes`, and its header.
    pub(crate) entries: Vec<(u32, EntryHeader)>,
}

impl SealedWrite {
    /// Position of the first entry; the head that the sequencer must be at.
    pub fn first(&self) -> LogPosition {
        self.header.first
    }

    /// The position after the last entry.
    pub fn next(&self) -> LogPosition {
        LogPosition(self.header.first.0 + u64::from(self.header.count))
    }

    /// Digest of the write.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes as they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Durable. Also the answer where the very same write was already there.
    Ok,
    /// Another write stands at this head: this writer is not the writer any more.
    Fenced,
    /// Nothing was stored.
    Failed,
    /// It may have been stored: try the same bytes again and nothing else.
    Unknown,
}

/// Reading back from a sequencer failed.
#[derive(Debug, thiserror::Error)]
#[error("the sequencer could not be read")]
pub struct FollowFault(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// Where a sequencer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerHead {
    /// The position that the next entry gets.
    pub next: LogPosition,
    /// Sequence of the next write.
    pub sequence: u64,
    /// Digest of the last write.
    pub last_write: Digest,
}

impl SequencerHead {
    /// Decides on a write before anything is stored. `None`: store it.
    ///
    /// The write names its predecessor by digest and sequence, so two writers at the same head
    /// can never both be right.
    pub(crate) fn admit(
        &self,
        expected_head: LogPosition,
        write: &SealedWrite,
    ) -> Option<AppendOutcome> {
        let again = self.sequence == write.header.sequence + 1 && self.last_write == write.digest;
        if again {
            return Some(AppendOutcome::Ok);
        }
        let follows = self.next == expected_head
            && self.next == write.first()
            && self.sequence == write.header.sequence
            && self.last_write == write.header.previous;
        (!follows).then_some(AppendOutcome::Fenced)
    }

    pub(crate) fn after(write: &SealedWrite) -> Self {
        Self { next: write.next(), sequence: write.header.sequence + 1, last_write: write.digest }
    }
}

/// Orders writes and makes them durable.
pub trait Sequencer: Send {
    /// Where it stands.
    fn head(&self) -> SequencerHead;

    /// Appends one write after `expected_head`, the position that the write's first entry has.
    fn append(&mut self, expected_head: LogPosition, write: &SealedWrite) -> AppendOutcome;

    /// Bytes of up to `max_writes` durable writes, from the one that holds `from` on; of writes
    /// without entries, those that stand at `from` or behind it.
    fn follow(&self, from: LogPosition, max_writes: usize) -> Result<Vec<Vec<u8>>, FollowFault>;
}
