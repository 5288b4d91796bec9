//! Why a command was not done.
//!
//! Owns the outcomes that every command shares beside its own refusal (DESIGN section 9).
//! `Display` is for operators; an edge maps the variants to Matrix codes.

use std::time::Duration;

use facts::StreamId;

use crate::journal::{AppendError, JournalFault};

/// After this long a client may try again when the write side pushed back.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Why a command was not done. `R` is the refusal of the command itself.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R> {
    /// The rules say no.
    #[error("refused")]
    Refusal(R),
    /// A policy of the organization says no.
    #[error("a policy forbids it")]
    Gate(crate::GateRefusal),
    /// It would store a record of a person whose records were erased, under a key that is gone.
    #[error("the records of the person of stream {0} were erased")]
    PersonErased(StreamId),
    /// The writer has stopped: nothing is accepted until a restart (I13).
    #[error("the writer has stopped")]
    Stopped,
    /// Something is full, or the stream moves too fast; nothing was done.
    #[error("busy")]
    Busy {
        /// When a retry makes sense.
        retry_after: Duration,
    },
    /// The world misbehaved.
    #[error("fault")]
    Fault(#[source] Fault),
}

/// What misbehaved.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The log could not be read.
    #[error("the log could not be read")]
    Log(#[from] JournalFault),
    /// The fold store failed. It is deletable: a restart without `folds/` rebuilds it.
    #[error("the fold store failed")]
    Store(#[from] crate::FoldStoreFault),
    /// What the log holds does not fit what this version expects of it.
    #[error("the log holds what this version cannot apply: {0}")]
    Unfit(String),
    /// A batch was refused for its form; a bug of the caller.
    #[error("a batch was refused: {0}")]
    Batch(String),
}

impl<R> CommandError<R> {
    /// Pushing back with the usual retry time.
    pub fn busy() -> Self {
        Self::Busy { retry_after: RETRY_AFTER }
    }

    /// The same error for a command with another refusal type.
    pub fn map_refusal<S>(self, map: impl FnOnce(R) -> S) -> CommandError<S> {
        match self {
            Self::Refusal(refusal) => CommandError::Refusal(map(refusal)),
            Self::Gate(refusal) => CommandError::Gate(refusal),
            Self::PersonErased(person) => CommandError::PersonErased(person),
            Self::Stopped => CommandError::Stopped,
            Self::Busy { retry_after } => CommandError::Busy { retry_after },
            Self::Fault(fault) => CommandError::Fault(fault),
        }
    }
}

impl<R> From<Fault> for CommandError<R> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<R> From<JournalFault> for CommandError<R> {
    fn from(fault: JournalFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl<R> From<crate::FoldStoreFault> for CommandError<R> {
    fn from(fault: crate::FoldStoreFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl<R> From<crate::GateRefusal> for CommandError<R> {
    fn from(refusal: crate::GateRefusal) -> Self {
        Self::Gate(refusal)
    }
}

impl<R> From<AppendError> for CommandError<R> {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Stopped => Self::Stopped,
            AppendError::Full | AppendError::Moved => Self::busy(),
            AppendError::PersonErased(person) => Self::PersonErased(person),
            AppendError::Malformed(why) => Self::Fault(Fault::Batch(why)),
        }
    }
}
