//! Why the ledger could not go on, or could not answer.

use std::io;

use facts::{FactError, LogPosition};

use crate::{AppendFault, AppendRefusal, ReadFault};

/// Why the ledger was not opened, or did not sign.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file of the ledger.
    #[error("a file of the ledger could not be read or written")]
    Io(#[from] io::Error),
    /// An entry of the log.
    #[error("the ledger could not read the log")]
    Read(#[from] ReadFault),
    /// An entry that states a key cannot be read.
    #[error("the entry at position {0} does not state a key of the ledger")]
    KeyFact(LogPosition, #[source] Option<FactError>),
    /// The last checkpoint is not whole, or not signed by a key of this log.
    #[error("the last checkpoint, in {0}, is damaged")]
    LastCheckpoint(String),
    /// The last checkpoint is of another log.
    #[error("the last checkpoint is of {found}, and this is {expected}")]
    OtherLog {
        /// Origin of this log.
        expected: String,
        /// Origin of the checkpoint.
        found: String,
    },
    /// The log ends before what was signed: the data directory is an older copy.
    #[error(
        "the log has {found} entries and {expected} were in the ledger: it is an older copy of \
         itself"
    )]
    RolledBack {
        /// Entries that were in the ledger.
        expected: u64,
        /// Entries of the log.
        found: u64,
    },
    /// The entries before the last checkpoint are not those that it was signed over.
    #[error("the log's first {0} entries are not those of the last checkpoint: it was altered")]
    Inconsistent(u64),
    /// The log went on from an older copy while the ledger was open.
    #[error("the log has another incarnation than the ledger")]
    Forked,
    /// The server name cannot stand in a signature line.
    #[error("the server name cannot stand in the name of a key")]
    KeyName,
    /// There are [`super::stated_key::KEYS_MAX`] keys already.
    #[error("the log has had too many signing keys")]
    TooManyKeys,
    /// The log did not take the fact that states a key.
    #[error("the log refused the ledger's key")]
    Refused(#[from] AppendRefusal),
    /// Or it did not become durable.
    #[error("the fact that states the ledger's key did not become durable")]
    NotDurable(#[from] AppendFault),
}

impl LedgerError {
    /// Whether trying again cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Io(_) | Self::Read(_) | Self::Refused(_) | Self::NotDurable(_) => false,
            Self::KeyFact(..)
            | Self::LastCheckpoint(_)
            | Self::OtherLog { .. }
            | Self::RolledBack { .. }
            | Self::Inconsistent(_)
            | Self::Forked
            | Self::KeyName
            | Self::TooManyKeys => true,
        }
    }
}

impl LedgerError {
    /// Whether the files of the tree may be at fault, which are made anew from the log.
    pub(super) fn may_be_the_trees(&self) -> bool {
        match self {
            Self::Inconsistent(_) => true,
            Self::Io(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            _ => false,
        }
    }
}

/// Why the ledger could not answer.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFault {
    /// A file of the tree.
    #[error("a file of the ledger could not be read")]
    Io(#[from] io::Error),
    /// An entry of the log.
    #[error("the ledger could not read the log")]
    Read(#[from] ReadFault),
    /// What was read does not lead to the checkpoint; the tree is made anew.
    #[error("{0} of the ledger does not lead to the checkpoint")]
    Mismatch(String),
}
