//! What proves a stretch of the log by itself.
//!
//! Owns the extract: a checkpoint over exactly the entries up to the stretch's end, and the roots
//! of the perfect subtrees before its beginning. With the digests of the stretch in between,
//! anybody computes the checkpoint's root. The checkpoint covers a tree that lies within one that
//! was signed and published before, so that signing it says nothing new; the file of the last
//! checkpoint is left alone. Also signs statements that are no checkpoints.

use facts::LogPosition;

use super::{
    Ledger, LedgerFault,
    checkpoint::Checkpoint,
    merkle::{LeafRange, inclusion_ranges, leaf_hash, verify_inclusion},
    note::{Note, NoteSigner, VerifierKey},
};
use crate::Digest;

/// A stretch of the log as the ledger proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogExtract {
    /// Signed checkpoint whose size is the stretch's end.
    pub checkpoint: Note,
    /// Roots of the perfect subtrees over everything before the stretch, the largest first.
    pub before: Vec<Digest>,
}

/// A text that the ledger's key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText {
    /// The note.
    pub note: Note,
    /// The key.
    pub key: VerifierKey,
}

impl Ledger {
    /// The extract over positions `first` to `end` (exclusive). `None` where the published
    /// checkpoint does not cover it, or it has no entry.
    pub fn extract(&self, first: u64, end: u64) -> Result<Option<LogExtract>, LedgerFault> {
        if first >= end || end > self.published().checkpoint.size {
            return Ok(None);
        }
        // Also checks that the tree of that size leads to the published root.
        if self.consistency(end, self.published().checkpoint.size)?.is_none() {
            return Ok(None);
        }
        let root = self.levels.root(end)?;
        let subtrees = LeafRange { start: 0, end: first }.subtrees();
        let ranges: Vec<_> = subtrees
            .map(|(start, height)| LeafRange { start, end: start + (1 << height) })
            .collect();
        let before = self.levels.ranges(&ranges)?;
        let origin = self.published().checkpoint.origin.clone();
        let checkpoint = Checkpoint { origin, size: end, root, extensions: Vec::new() };
        let checkpoint = self.signed(checkpoint.text())?.note;
        Ok(Some(LogExtract { checkpoint, before }))
    }

    /// Hashes that lead from the entry at a position to the root of the tree of `size`.
    pub fn inclusion(
        &self,
        position: LogPosition,
        digest: &Digest,
        size: u64,
    ) -> Result<Option<Vec<Digest>>, LedgerFault> {
        if size > self.published().checkpoint.size {
            return Ok(None);
        }
        let Some(ranges) = inclusion_ranges(position.0, size) else { return Ok(None) };
        let (hashes, root) = (self.levels.ranges(&ranges)?, self.levels.root(size)?);
        if !verify_inclusion(position.0, size, &leaf_hash(digest), &hashes, &root) {
            return Err(LedgerFault::Mismatch(format!("the path of entry {position}")));
        }
        Ok(Some(hashes))
    }

    /// Signs a statement with the ledger's key. One that could be read as a checkpoint is refused
    /// (`None`): nobody gets a history signed that way.
    pub fn sign_statement(&self, text: &str) -> Result<Option<SignedText>, LedgerFault> {
        let whole = text.ends_with('\n') && !text.contains("\n\n") && !text.starts_with('\n');
        let first = text.lines().next().unwrap_or_default();
        if !whole || first.contains("/chancery/") || Checkpoint::parse(text).is_some() {
            return Ok(None);
        }
        self.signed(text.to_owned()).map(Some)
    }

    fn signed(&self, text: String) -> Result<SignedText, LedgerFault> {
        let follower = self.follower.lock();
        let signer: &NoteSigner = follower.signer.as_ref().ok_or_else(no_key)?;
        Ok(SignedText { note: Note::sign(text, &[signer]), key: signer.verifier() })
    }
}

fn no_key() -> LedgerFault {
    LedgerFault::Mismatch("the signing key".to_owned())
}
