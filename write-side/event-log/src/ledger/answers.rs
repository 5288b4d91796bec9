//! What the ledger answers: tiles, entry bundles, proofs. All of it up to the published checkpoint.
//!
//! Owns the check of every answer before it is given: a proof must verify, a full tile must be
//! what the tile above says. Hashes that rotted on the disk are met here and made anew from the
//! log, and nobody is told anything wrong.

use std::sync::atomic::Ordering;

use facts::LogPosition;

use super::{
    Ledger, LedgerFault, Published,
    levels::Levels,
    merkle::{
        consistency_ranges, inclusion_ranges, leaf_hash, perfect_root, verify_consistency,
        verify_inclusion,
    },
    proof_file::TlogProof,
    tile::{Bundle, TILE_WIDTH, Tile},
};
use crate::Digest;

/// Bytes read at once for a bundle of entries.
const BUNDLE_READ_BYTES: usize = 1024 * 1024;
/// Length of an entry in a bundle: that of its digest.
const BUNDLE_ENTRY_BYTES: u16 = 32;

impl Ledger {
    /// The hashes of a tile; `None` where the published tree does not have all of them.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, LedgerFault> {
        let size = self.published().checkpoint.size;
        if !tile.is_in(size) {
            return Ok(None);
        }
        self.noticing(read_tile(&self.levels, tile, size))
            .map(|hashes| Some(hashes.into_flattened()))
    }

    /// A bundle of entries: the digests, each after its length. `None` as for a tile.
    pub fn bundle(&self, bundle: Bundle) -> Result<Option<Vec<u8>>, LedgerFault> {
        let Bundle { index, width } = bundle;
        if !(Tile { level: 0, index, width }).is_in(self.published().checkpoint.size) {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(usize::from(width) * 34);
        let (mut next, end) = (index * TILE_WIDTH, index * TILE_WIDTH + u64::from(width));
        while next < end {
            let wanted = usize::try_from(end - next).unwrap_or(usize::MAX);
            let entries = self.log.read_raw_range(LogPosition(next), wanted, BUNDLE_READ_BYTES)?;
            if entries.is_empty() {
                return Err(LedgerFault::Mismatch(format!("entry {next}")));
            }
            for entry in &entries {
                out.extend_from_slice(&BUNDLE_ENTRY_BYTES.to_be_bytes());
                out.extend_from_slice(&entry.digest);
            }
            next += entries.len() as u64;
        }
        Ok(Some(out))
    }

    /// The proof that the entry at a position is under the published checkpoint. `None` where it
    /// is not yet.
    pub fn prove(&self, position: LogPosition) -> Result<Option<TlogProof>, LedgerFault> {
        let published = self.published();
        if position.0 >= published.checkpoint.size {
            return Ok(None);
        }
        let entry = self.log.read_raw(position)?;
        let Some(entry) = entry else {
            return Err(LedgerFault::Mismatch(format!("entry {position}")));
        };
        let proof = inclusion(&self.levels, position, &entry.digest, &published);
        self.noticing(proof).map(Some)
    }

    /// The proof that the tree of size `to` goes on from that of size `from`. `None` where the
    /// published tree is smaller than `to`, or `from` is larger.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Option<Vec<Digest>>, LedgerFault> {
        let published = self.published();
        let size = published.checkpoint.size;
        if to > size || from > to {
            return Ok(None);
        }
        let root = published.checkpoint.root;
        self.noticing(consistency(&self.levels, (from, to), (size, root))).map(Some)
    }

    /// Has the tree made anew by the next step where an answer did not check.
    fn noticing<T>(&self, answer: Result<T, LedgerFault>) -> Result<T, LedgerFault> {
        if let Err(LedgerFault::Mismatch(_) | LedgerFault::Io(_)) = &answer {
            self.suspect.store(true, Ordering::Release);
        }
        answer
    }
}

fn read_tile(levels: &Levels, tile: Tile, size: u64) -> Result<Vec<Digest>, LedgerFault> {
    let level = usize::from(tile.level);
    let hashes = levels.read(level, tile.index * TILE_WIDTH, usize::from(tile.width))?;
    let above = Tile { level: tile.level + 1, index: 0, width: 1 };
    if tile.is_full() && tile.index < above.hashes_on_level(size) {
        let expected = levels.hash(level + 1, tile.index)?;
        if perfect_root(hashes.clone()) != expected {
            return Err(LedgerFault::Mismatch(tile.to_string()));
        }
    }
    Ok(hashes)
}

pub(super) fn inclusion(
    levels: &Levels,
    position: LogPosition,
    digest: &Digest,
    published: &Published,
) -> Result<TlogProof, LedgerFault> {
    let (size, root) = (published.checkpoint.size, &published.checkpoint.root);
    let mismatch = || LedgerFault::Mismatch(format!("the path of entry {position}"));
    let ranges = inclusion_ranges(position.0, size).ok_or_else(mismatch)?;
    let hashes = levels.ranges(&ranges)?;
    if !verify_inclusion(position.0, size, &leaf_hash(digest), &hashes, root) {
        return Err(mismatch());
    }
    Ok(TlogProof {
        extra: Some(digest.to_vec()),
        index: position.0,
        hashes,
        checkpoint: published.note.clone(),
    })
}

/// Checked up to the published root: both trees lie in that one.
pub(super) fn consistency(
    levels: &Levels,
    (from, to): (u64, u64),
    (size, root): (u64, Digest),
) -> Result<Vec<Digest>, LedgerFault> {
    let (old_root, new_root) = (levels.root(from)?, levels.root(to)?);
    let mismatch = || LedgerFault::Mismatch(format!("the tree of size {to}"));
    let proof_of = |from, to| {
        let ranges = consistency_ranges(from, to).ok_or_else(mismatch)?;
        Ok::<_, LedgerFault>(levels.ranges(&ranges)?)
    };
    let (proof, rest) = (proof_of(from, to)?, proof_of(to, size)?);
    let holds = verify_consistency(from, to, &old_root, &new_root, &proof)
        && verify_consistency(to, size, &new_root, &root, &rest);
    if holds { Ok(proof) } else { Err(mismatch()) }
}
