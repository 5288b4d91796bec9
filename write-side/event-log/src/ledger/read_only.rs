//! The ledger's files without its log open: what the command line reads beside a running server.
//!
//! Owns reading proofs from the tree's files or, where they are missing or do not lead to the
//! checkpoint, from the segments themselves: one pass, in memory that does not grow with the log.
//! Writes nothing and takes no lease.

use std::{
    io,
    path::{Path, PathBuf},
};

use facts::LogPosition;

use super::{
    LedgerError, LedgerFault, Published,
    answers::{consistency, inclusion},
    key_file::KeyFiles,
    last_checkpoint::{LastCheckpoint, Signed},
    ledger_dir,
    levels::Levels,
    merkle::{
        LeafRange, RootHasher, consistency_ranges, inclusion_ranges, leaf_hash, verify_consistency,
        verify_inclusion,
    },
    note::{NoteSigner, VerifierKey},
    proof_file::TlogProof,
    state::State,
    stated_key::StatedKey,
};
use crate::{
    Digest, ReadFault,
    segment::{self, scan::Step, shelf::scan_closed},
};

/// The last checkpoint and what proves with it.
#[derive(Debug)]
pub struct LedgerFiles {
    segments: PathBuf,
    key_files: KeyFiles,
    levels: Levels,
    published: Published,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No checkpoint was signed yet.
    #[error("there is no checkpoint in {}", .0.display())]
    NoCheckpoint(PathBuf),
    /// No key is there.
    #[error("there is no signing key of the ledger")]
    NoKey,
    /// The checkpoint's file, or the key's.
    #[error("the last checkpoint or the key could not be read")]
    Checkpoint(#[from] LedgerError),
    /// The segments.
    #[error("the log could not be read")]
    Log(#[from] ReadFault),
    /// A position or a size beyond the checkpoint.
    #[error("the checkpoint covers {size} entries, and {wanted} was asked for")]
    Beyond {
        /// Entries under the checkpoint.
        size: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// The earlier size is larger than the later.
    #[error("the earlier tree is larger than the later one")]
    Order,
    /// The log's entries do not lead to the checkpoint.
    #[error("the log does not lead to its last checkpoint; `chancery verify` says where it fails")]
    Inconsistent,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Log(error.into())
    }
}

impl LedgerFiles {
    /// Reads the last checkpoint of a data directory.
    pub fn open(data_dir: &Path, keys_dir: &Path) -> Result<Self, ReadError> {
        let found = LastCheckpoint::new(keys_dir).read()?;
        let Some(Signed { checkpoint, note }) = found else {
            return Err(ReadError::NoCheckpoint(keys_dir.to_owned()));
        };
        let dir = ledger_dir(data_dir);
        let state = State::read(&dir).filter(|state| state.origin == checkpoint.origin);
        let keys = state.map(|state| state.keys).unwrap_or_default();
        Ok(Self {
            segments: data_dir.join("log").join("segments"),
            key_files: KeyFiles::new(keys_dir),
            levels: Levels::open_read_only(&dir),
            published: Published { checkpoint, note, keys },
        })
    }

    /// The last checkpoint.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// The proof that the entry at a position is under the checkpoint.
    pub fn prove(&self, position: LogPosition) -> Result<TlogProof, ReadError> {
        let size = self.published.checkpoint.size;
        if position.0 >= size {
            return Err(ReadError::Beyond { size, wanted: position.0 });
        }
        let digest = self.digest(position)?.ok_or(ReadError::Inconsistent)?;
        match inclusion(&self.levels, position, &digest, &self.published) {
            Ok(proof) => Ok(proof),
            Err(fault) => {
                note_rebuild(&fault);
                self.prove_from_log(position, &digest)
            }
        }
    }

    /// The proof that the tree of size `to` goes on from that of size `from`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, ReadError> {
        let (size, root) = (self.published.checkpoint.size, self.published.checkpoint.root);
        if to > size {
            return Err(ReadError::Beyond { size, wanted: to });
        }
        if from > to {
            return Err(ReadError::Order);
        }
        match consistency(&self.levels, (from, to), (size, root)) {
            Ok(proof) => Ok(proof),
            Err(fault) => {
                note_rebuild(&fault);
                self.consistency_from_log(from, to)
            }
        }
    }

    /// The key that signs now, by its private file.
    pub fn signing_key(&self) -> Result<VerifierKey, ReadError> {
        let seed = self.key_files.current().map_err(LedgerError::from)?.ok_or(ReadError::NoKey)?;
        let signer = NoteSigner::new(&self.published.checkpoint.origin, &seed);
        Ok(signer.ok_or(LedgerError::KeyName)?.verifier())
    }

    /// Keys that the log has stated, as far as the running ledger noted them on disk.
    pub fn keys(&self) -> &[StatedKey] {
        &self.published.keys
    }

    fn prove_from_log(
        &self,
        position: LogPosition,
        digest: &Digest,
    ) -> Result<TlogProof, ReadError> {
        let (size, root) = (self.published.checkpoint.size, self.published.checkpoint.root);
        let ranges = inclusion_ranges(position.0, size).ok_or(ReadError::Inconsistent)?;
        let hashes = self.hash_ranges(&ranges)?;
        if !verify_inclusion(position.0, size, &leaf_hash(digest), &hashes, &root) {
            return Err(ReadError::Inconsistent);
        }
        let note = self.published.note.clone();
        let extra = Some(digest.to_vec());
        Ok(TlogProof { extra, index: position.0, hashes, checkpoint: note })
    }

    fn consistency_from_log(&self, from: u64, to: u64) -> Result<Vec<Digest>, ReadError> {
        let (size, root) = (self.published.checkpoint.size, self.published.checkpoint.root);
        let ranges = consistency_ranges(from, to).ok_or(ReadError::Order)?;
        let rest = consistency_ranges(to, size).ok_or(ReadError::Order)?;
        let trees = [LeafRange { start: 0, end: from }, LeafRange { start: 0, end: to }];
        let all: Vec<_> = ranges.iter().chain(&rest).chain(&trees).copied().collect();
        let mut hashes = self.hash_ranges(&all)?;
        let roots = hashes.split_off(ranges.len() + rest.len());
        let rest = hashes.split_off(ranges.len());
        let holds = verify_consistency(from, to, &roots[0], &roots[1], &hashes)
            && verify_consistency(to, size, &roots[1], &root, &rest);
        if holds { Ok(hashes) } else { Err(ReadError::Inconsistent) }
    }

    /// Hashes over ranges of leaves, by one pass over the segments.
    fn hash_ranges(&self, ranges: &[LeafRange]) -> Result<Vec<Digest>, ReadError> {
        let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
        let mut hashers = vec![RootHasher::default(); ranges.len()];
        self.each_entry(LogPosition(0), |position, digest| {
            let leaf = leaf_hash(digest);
            for (range, hasher) in ranges.iter().zip(&mut hashers) {
                if (range.start..range.end).contains(&position.0) {
                    hasher.push(leaf);
                }
            }
            position.0 + 1 < end
        })?;
        let whole =
            |(range, hasher): (&LeafRange, &RootHasher)| hasher.count() == range.end - range.start;
        if !ranges.iter().zip(&hashers).all(whole) {
            return Err(ReadError::Inconsistent);
        }
        Ok(hashers.iter().map(RootHasher::root).collect())
    }

    fn digest(&self, position: LogPosition) -> Result<Option<Digest>, ReadError> {
        let mut found = None;
        self.each_entry(position, |at, digest| {
            if at == position {
                found = Some(*digest);
            }
            at < position
        })?;
        Ok(found)
    }

    /// Visits entries in order, from the front of the segment that holds `from`, until `visit`
    /// answers false or the log ends.
    fn each_entry(
        &self,
        from: LogPosition,
        mut visit: impl FnMut(LogPosition, &Digest) -> bool,
    ) -> Result<(), ReadError> {
        let firsts = segment::list(&self.segments)?;
        let start = firsts.partition_point(|first| *first <= from).saturating_sub(1);
        for first in firsts.into_iter().skip(start) {
            let mut scan = scan_closed(&segment::path(&self.segments, first), first)?;
            // What stands behind the last checkpoint may be half written; it is never looked at.
            while let Step::Write(write) = scan.step()? {
                for entry in &write.entries {
                    if !visit(entry.frame.header.position, &entry.digest) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

fn note_rebuild(fault: &LedgerFault) {
    tracing::debug!(?fault, "the proof is made from the log, for the ledger's tree is not there");
}
