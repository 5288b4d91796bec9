//! Why a log cannot be opened or forked.

use facts::{KeyEpoch, LogPosition};

use crate::{
    AppendFault, AppendRefusal, FollowError, IndexFault, KeyringError, LeaseError, MirrorFault,
    ReadFault,
};

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes, or the lock file cannot be used.
    #[error("the lease on the data directory was not given")]
    Lease(#[from] LeaseError),
    /// The segments cannot be read, or are damaged.
    #[error("the log cannot be recovered")]
    Recovery(#[from] ReadFault),
    /// The keyring cannot be opened.
    #[error("the keyring of the log cannot be opened")]
    Keyring(#[from] KeyringError),
    /// The keyring is an older copy: it lacks an epoch that entries are sealed under.
    #[error("the keyring holds key epochs up to {newest}, and the log needs {needed}")]
    KeyringTooOld {
        /// The newest epoch that the log names.
        needed: KeyEpoch,
        /// The newest epoch of the keyring.
        newest: KeyEpoch,
    },
    /// The local segments cannot follow their sequencer.
    #[error("the log cannot follow its sequencer")]
    Mirror(#[from] MirrorFault),
    /// The index of streams cannot be opened.
    #[error("the index of streams cannot be opened")]
    Index(#[from] IndexFault),
    /// The index of streams cannot be brought up to the head.
    #[error("the index of streams cannot be brought up to the head")]
    Follow(#[from] FollowError),
    /// The log is another server's.
    #[error("the log belongs to {found}, not to {expected}")]
    OtherServer {
        /// The configured name.
        expected: String,
        /// The name at position 0.
        found: String,
    },
    /// Position 0 does not hold `LogOpened`, or a later format.
    #[error("position {0} does not say what log this is")]
    NotALog(LogPosition),
    /// The first entry was refused.
    #[error("the log could not be begun")]
    Begin(#[from] AppendRefusal),
    /// The first entry did not become durable.
    #[error("the first entry did not become durable")]
    NotDurable(#[from] AppendFault),
    /// The writing thread could not be started.
    #[error("the writing thread could not be started")]
    Thread(#[source] std::io::Error),
    /// A destruction that was ordered earlier could not be finished.
    #[error("an earlier destruction could not be finished")]
    Shred(#[from] super::ShredError),
}

/// Why the incarnation was not raised.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// Entries are on their way; fork before anything else is appended.
    #[error("the log is being written to")]
    NotQuiet,
    /// The head could not be read.
    #[error("the head of the log could not be read")]
    Read(#[from] ReadFault),
    /// The entry was refused.
    #[error("the fork was refused")]
    Refused(#[from] AppendRefusal),
    /// The entry did not become durable.
    #[error("the fork did not become durable")]
    NotDurable(#[from] AppendFault),
    /// The keyring could not be told where the log ends now.
    #[error("the keyring could not be rewritten")]
    Keyring(#[from] KeyringError),
    /// The orders are in the log, and could not all be carried out; the next start does.
    #[error("orders to destroy could not be carried out")]
    Orders(#[source] Box<super::ShredError>),
    /// More key ranges than are repeated at once.
    #[error("{0} key ranges are too many to be ordered again at once")]
    TooManyRanges(usize),
    /// An incarnation that is far from anything that this log can have had.
    #[error("incarnation {above} is not one that a log of incarnation {current} can have had")]
    TooFar {
        /// The log's.
        current: facts::Incarnation,
        /// The one to go above.
        above: facts::Incarnation,
    },
}
