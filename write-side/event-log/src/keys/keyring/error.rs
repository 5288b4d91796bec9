//! What can go wrong with a keyring.

use std::io;

use facts::LogId;

use super::{format::FileFault, rewrite::Step};

/// A keyring that cannot be opened, or a change to it that is not durable.
///
/// A change that failed may be tried again: the next rewrite goes to new files under a new key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// There is no keyring in the directory.
    #[error("no keyring in the keys directory")]
    Missing,
    /// A keyring is there already.
    #[error("the keys directory already holds a keyring")]
    AlreadyExists,
    /// The keyring belongs to another log.
    #[error("the keyring belongs to log {found}, not to {expected}")]
    OtherLog {
        /// The log that was asked for.
        expected: LogId,
        /// The log that the file names.
        found: LogId,
    },
    /// The keyring file is not what was written.
    #[error("the file `keyring` is damaged")]
    Damaged(#[source] FileFault),
    /// The file with the wrapping key of the keyring is not there.
    #[error("the wrapping key `wrap-{generation}` of the keyring is missing")]
    WrappingKeyMissing {
        /// Generation of the keyring that needs it.
        generation: u64,
    },
    /// The wrapping key is not what was written.
    #[error("the wrapping key `wrap-{generation}` of the keyring is damaged")]
    WrappingKeyDamaged {
        /// Generation of the keyring that needs it.
        generation: u64,
        /// What is wrong with it.
        #[source]
        fault: FileFault,
    },
    /// The keyring would grow past its bound.
    #[error("the keyring would take {bytes} bytes, more than its bound")]
    TooLarge {
        /// Bytes that it would take.
        bytes: usize,
    },
    /// More epochs than a keyring holds.
    #[error("the keyring holds as many epochs as it can")]
    TooManyEpochs,
    /// The keyring was opened for reading alone.
    #[error("the keyring is open for reading alone")]
    ReadOnly,
    /// More ranges in one call than are taken.
    #[error("{0} key ranges at once are too many")]
    TooManyRanges(usize),
    /// A range whose last bound is before its first.
    #[error("a key range ends before it begins")]
    BadRange,
    /// The file system refused a step. What is durable is said at [`Step`].
    #[error("keyring: {step:?} failed")]
    Step {
        /// The step that failed.
        step: Step,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file system refused a read.
    #[error("keyring: a file could not be read")]
    Read(#[source] io::Error),
}

impl KeyringError {
    /// True for what reading a keyring meets when it is rewritten at that very moment.
    pub(super) fn may_be_a_rewrite(&self) -> bool {
        matches!(self, Self::WrappingKeyMissing { .. } | Self::WrappingKeyDamaged { .. })
    }
}
