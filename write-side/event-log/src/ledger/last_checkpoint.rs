//! `<keys dir>/ledger.checkpoint`: the last checkpoint that was signed.
//!
//! Owns the file. It stands beside the key and not with the tree: what was signed last belongs to
//! whoever signs, it is all that must not be deleted, and on another disk than the log it shows
//! when the log is an older copy.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    LedgerError,
    checkpoint::Checkpoint,
    note::{NOTE_BYTES_MAX, Note},
    replace_file::replace_file,
};

/// Name of the file in the keys directory.
pub const CHECKPOINT_FILE: &str = "ledger.checkpoint";
const MODE: u32 = 0o644;

/// A checkpoint with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: Note,
}

impl Signed {
    /// Reads a checkpoint; its signatures are not verified yet.
    pub(crate) fn parse(note: &str) -> Option<Self> {
        let note = Note::parse(note).ok()?;
        Some(Self { checkpoint: Checkpoint::parse(&note.text)?, note })
    }
}

/// The file.
#[derive(Clone, Debug)]
pub(crate) struct LastCheckpoint(PathBuf);

impl LastCheckpoint {
    pub(crate) fn new(keys_dir: &Path) -> Self {
        Self(keys_dir.join(CHECKPOINT_FILE))
    }

    /// The last checkpoint, or none before the first.
    pub(crate) fn read(&self) -> Result<Option<Signed>, LedgerError> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        let signed = String::from_utf8(bytes).ok().and_then(|note| Signed::parse(&note));
        signed.map(Some).ok_or_else(|| self.damaged())
    }

    /// Replaces it. Durable when this returns, and only then may anybody see the checkpoint: a
    /// crash in between leaves the one before, and the next start signs anew what goes on from it.
    pub(crate) fn write(&self, signed: &Signed) -> io::Result<()> {
        replace_file(&self.0, signed.note.to_string().as_bytes(), MODE)
    }

    pub(crate) fn damaged(&self) -> LedgerError {
        LedgerError::LastCheckpoint(self.0.display().to_string())
    }
}
