//! What the writing thread writes to: the local segments, or a sequencer that they mirror.
//!
//! Owns the retry of an append whose outcome is unknown (same bytes, nothing else), and the
//! mirror: with a sequencer elsewhere every write goes there first and, once it is durable there,
//! into the local segments, so that reading, projecting and verifying are one code.
//! A mirror that disagrees with its sequencer, or runs ahead of it, stops and says so.
//! Invariants: I3, I4, I13.

use std::io;

use bytes::Bytes;
use facts::LogPosition;

use super::{AppendOutcome, FollowFault, SealedWrite, Sequencer, embedded::EmbeddedSequencer};
use crate::{
    ReadFault,
    segment::{
        scan::{ChainPoint, Scan, Step},
        source::Source,
    },
    write::WriteHeader,
};

/// An append whose outcome is unknown is tried this often in all.
pub const APPEND_TRIES_MAX: u32 = 3;
/// Writes fetched at once while a mirror catches up.
const CATCH_UP_WRITES: usize = 64;

/// Why the local segments cannot follow their sequencer.
#[derive(Debug, thiserror::Error)]
pub enum MirrorFault {
    /// The local segments hold writes that the sequencer does not have.
    #[error("the local segments run ahead of their sequencer, at position {0}")]
    Ahead(LogPosition),
    /// The local segments hold something else than the sequencer.
    #[error("the local segments disagree with their sequencer at position {0}")]
    Disagrees(LogPosition),
    /// The sequencer could not be read.
    #[error("the sequencer could not be followed")]
    Follow(#[from] FollowFault),
    /// What the sequencer holds does not check.
    #[error("what the sequencer holds does not check")]
    Read(#[from] ReadFault),
    /// The local segments could not be written.
    #[error("a write of the sequencer could not be stored locally")]
    Local,
}

/// Sequencer and segments.
pub(crate) struct Target {
    local: EmbeddedSequencer,
    remote: Option<Box<dyn Sequencer>>,
}

impl Target {
    /// `remote`: a sequencer elsewhere; without one the segments are the log.
    pub(crate) fn new(local: EmbeddedSequencer, remote: Option<Box<dyn Sequencer>>) -> Self {
        Self { local, remote }
    }

    /// Where the local segments stand.
    pub(crate) fn chain(&self) -> &ChainPoint {
        self.local.chain()
    }

    /// Closes the active segment; that is a matter of the local files alone.
    pub(crate) fn roll(&mut self) -> io::Result<()> {
        self.local.roll()
    }

    /// Fetches what the sequencer has and the local segments do not. A crash in here leaves a
    /// shorter mirror, which the next start goes on with.
    pub(crate) fn catch_up(&mut self) -> Result<(), MirrorFault> {
        let Some(remote) = &self.remote else {
            return Ok(());
        };
        loop {
            let (here, there) = (self.local.head(), remote.head());
            if here == there {
                return Ok(());
            }
            if here.sequence > there.sequence {
                return Err(MirrorFault::Ahead(here.next));
            }
            if here.sequence == there.sequence {
                return Err(MirrorFault::Disagrees(here.next));
            }
            let mut moved = false;
            for bytes in remote.follow(here.next, CATCH_UP_WRITES)? {
                moved |= mirror(&mut self.local, bytes)?;
            }
            if !moved {
                return Err(MirrorFault::Disagrees(here.next));
            }
        }
    }

    /// Appends one write. `Ok` only when it is durable and in the local segments.
    pub(crate) fn append(&mut self, write: &SealedWrite) -> AppendOutcome {
        let Some(remote) = &mut self.remote else {
            return append(&mut self.local, write);
        };
        let outcome = append(&mut **remote, write);
        if outcome != AppendOutcome::Ok {
            return outcome;
        }
        match self.local.append(write.first(), write) {
            AppendOutcome::Ok => AppendOutcome::Ok,
            local => {
                // It is durable, but this node cannot show it: the next start fetches it.
                tracing::error!(?local, "the local segments could not follow their sequencer");
                AppendOutcome::Unknown
            }
        }
    }
}

/// Same bytes again while nobody knows; a sequencer answers `Ok` for a write that it has.
fn append(sequencer: &mut dyn Sequencer, write: &SealedWrite) -> AppendOutcome {
    let mut unknown = false;
    for _ in 0..APPEND_TRIES_MAX {
        match sequencer.append(write.first(), write) {
            AppendOutcome::Unknown => unknown = true,
            // It failed now, but an earlier try may have been stored.
            AppendOutcome::Failed if unknown => return AppendOutcome::Unknown,
            outcome => return outcome,
        }
    }
    AppendOutcome::Unknown
}

/// Stores one write of the sequencer locally; false if it is there already.
fn mirror(local: &mut EmbeddedSequencer, bytes: Vec<u8>) -> Result<bool, MirrorFault> {
    let chain = local.chain().clone();
    let bytes = Bytes::from(bytes);
    if let Ok(header) = WriteHeader::decode(&bytes)
        && header.sequence < chain.sequence
    {
        return Ok(false);
    }
    let at = chain.next;
    let mut scan = Scan::new(at, Source::Memory(bytes.clone()), chain, false);
    let Step::Write(found) = scan.step()? else {
        return Err(MirrorFault::Disagrees(at));
    };
    if found.header.write_bytes() != bytes.len() {
        return Err(MirrorFault::Disagrees(at));
    }
    let entries = found.entries.into_iter().map(|entry| {
        let offset = u32::try_from(entry.offset).expect("a write is at most 16 MiB");
        (offset, entry.frame.header)
    });
    let write = SealedWrite {
        entries: entries.collect(),
        header: found.header,
        digest: found.digest,
        bytes: bytes.to_vec(),
    };
    match local.append(at, &write) {
        AppendOutcome::Ok => Ok(true),
        _ => Err(MirrorFault::Local),
    }
}
