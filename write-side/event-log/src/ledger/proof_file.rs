//! Proof files (C2SP `tlog-proof`): one entry, its way to the root, and the checkpoint.
//!
//! Owns the format. A file of ours carries the entry's digest as its extra data, so that it can
//! be checked by itself; the digest is believed only because the proof leads from it to the root.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    checkpoint::Checkpoint,
    merkle::{leaf_hash, verify_inclusion},
    note::{NOTE_BYTES_MAX, Note, NoteError, VerifierKey},
};
use crate::Digest;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";
/// A tree of 2^64 leaves needs no longer proof.
const HASHES_MAX: usize = 64;
/// Extra data is at most this long in base64.
const EXTRA_BYTES_MAX: usize = 64 * 1024;

/// A proof that an entry is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Extra data; in ours the entry's digest.
    pub extra: Option<Vec<u8>>,
    /// Position of the entry.
    pub index: u64,
    /// Siblings from the leaf up.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not in the format of a proof file.
    #[error("this is no tlog-proof file")]
    Malformed,
    /// The checkpoint's signature.
    #[error("the checkpoint of the proof is not to be trusted")]
    Note(#[from] NoteError),
    /// It carries no digest, and none was given.
    #[error("the proof does not carry the entry's digest")]
    NoDigest,
    /// The hashes do not lead from the entry to the root.
    #[error("the proof does not lead from the entry to the checkpoint")]
    Path,
}

impl TlogProof {
    /// Whether the text is meant to be one.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(FIRST_LINE)
    }

    /// Reads a proof file. Nothing is verified yet.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > NOTE_BYTES_MAX + EXTRA_BYTES_MAX {
            return Err(ProofError::Malformed);
        }
        let rest = text.strip_prefix(FIRST_LINE).ok_or(ProofError::Malformed)?;
        let (head, note) = rest.split_once("\n\n").ok_or(ProofError::Malformed)?;
        let checkpoint = Note::parse(note)?;
        Self::parse_head(head, checkpoint).ok_or(ProofError::Malformed)
    }

    fn parse_head(head: &str, checkpoint: Note) -> Option<Self> {
        let mut lines = head.split('\n').peekable();
        let extra = match lines.peek()?.strip_prefix("extra ") {
            Some(extra) if extra.len() <= EXTRA_BYTES_MAX => {
                lines.next();
                Some(STANDARD.decode(extra).ok()?)
            }
            Some(_) => return None,
            None => None,
        };
        let digits = lines.next()?.strip_prefix("index ")?;
        let index: u64 = digits.parse().ok()?;
        let hashes: Vec<Digest> =
            lines.take(HASHES_MAX + 1).map(hash_line).collect::<Option<_>>()?;
        let whole = hashes.len() <= HASHES_MAX && index.to_string() == digits;
        whole.then_some(Self { extra, index, hashes, checkpoint })
    }

    /// The digest that the file carries.
    pub fn digest(&self) -> Option<Digest> {
        self.extra.as_deref()?.try_into().ok()
    }

    /// Checks that the entry of this digest (by default the one in the file) stands at the index
    /// in a log of one of these keys. Answers the checkpoint.
    pub fn verify(
        &self,
        keys: &[VerifierKey],
        digest: Option<&Digest>,
    ) -> Result<Checkpoint, ProofError> {
        self.checkpoint.verify(keys)?;
        let checkpoint = Checkpoint::parse(&self.checkpoint.text).ok_or(ProofError::Malformed)?;
        let carried = self.digest();
        let digest = digest.or(carried.as_ref()).ok_or(ProofError::NoDigest)?;
        let (leaf, size) = (leaf_hash(digest), checkpoint.size);
        if verify_inclusion(self.index, size, &leaf, &self.hashes, &checkpoint.root) {
            Ok(checkpoint)
        } else {
            Err(ProofError::Path)
        }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FIRST_LINE)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        f.write_str(&hash_lines(&self.hashes))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Hashes as a proof has them, one line each: the form of a consistency proof by itself.
pub fn hash_lines(hashes: &[Digest]) -> String {
    let mut lines = String::with_capacity(hashes.len() * 45);
    for hash in hashes {
        lines.push_str(&STANDARD.encode(hash));
        lines.push('\n');
    }
    lines
}

/// Reads [`hash_lines`].
pub fn parse_hash_lines(text: &str) -> Option<Vec<Digest>> {
    let hashes: Option<Vec<_>> = text.lines().take(HASHES_MAX * 2 + 1).map(hash_line).collect();
    hashes.filter(|hashes| hashes.len() <= HASHES_MAX * 2)
}

fn hash_line(line: &str) -> Option<Digest> {
    STANDARD.decode(line).ok()?.try_into().ok()
}
