//! Why an export's directory cannot be gone on with.

use std::io;

use super::STATE_FILE;
use crate::export::{format::FormError, index::IndexError};

/// Why a directory is not an export that can be gone on with, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file.
    #[error("the export's directory could not be read or written")]
    Io(#[from] io::Error),
    /// Something else is there.
    #[error("the directory is not empty and holds no unfinished export")]
    NotEmpty,
    /// It is finished.
    #[error("the directory holds a finished export")]
    Finished,
    /// It is another one.
    #[error("the directory holds an unfinished export of case {case} as {format}")]
    Other {
        /// Its case.
        case: u64,
        /// Its form.
        format: &'static str,
    },
    /// Somebody else was faster.
    #[error("another command has begun an export in this directory meanwhile")]
    Begun,
    /// The note of how far it is was altered.
    #[error("the note of how far the export is, {STATE_FILE}, cannot be read")]
    State,
    /// Somebody else is at it.
    #[error("another command works on this directory")]
    Busy,
    /// The server's page is not one.
    #[error("the server sent a page that is not whole")]
    Page,
    /// A medium is not what the ledger has.
    #[error("the media file {0} is not what the ledger has")]
    Media(String),
    /// More media are gone than one manifest names.
    #[error("{0} media are gone at the server, and a manifest names at most 1,000")]
    MissingMedia(usize),
    /// Too many names.
    #[error("the export has too many names; open cases with narrower dates")]
    TooLarge,
    /// The evidence.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The form.
    #[error(transparent)]
    Form(#[from] FormError),
}

impl DirectoryError {
    /// Whether the disk is full; what is there stays, and can be gone on with.
    pub fn is_full_disk(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let full =
            |error: &io::Error| matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge);
        match self {
            Self::Io(error) | Self::Form(FormError::Io(error)) => full(error),
            _ => false,
        }
    }
}
