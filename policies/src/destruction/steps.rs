//! The steps of a run outside of the log.
//!
//! Owns their names and the port that is told before each of them. A test kills the process there;
//! what a crash leaves is said at the step itself.

use std::sync::Arc;

/// A step, and what a crash just before it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStep {
    /// Accounts of persons who are to be erased are ended. Before: nothing was done.
    EndAccounts,
    /// A person who is to be erased leaves a room. Before: the account is ended, other rooms are left.
    LeaveRoom,
    /// Stubs of messages of a room are recorded. Before: those of other rooms, which nobody looks at.
    Stub,
    /// Orders are given. Before: the orders before it, without a receipt.
    Order,
    /// The file of a medium is removed. Before: bytes whose key is gone.
    RemoveFile,
    /// Ciphertext is scavenged. Before: bytes in segments whose keys are gone.
    Scavenge,
    /// The folds of erased persons are made anew. Before: what these folds hold of them.
    Refold,
    /// The view's replaced rows are dropped. Before: copies of what is destroyed.
    PurgeView,
    /// The replaced rows of folds are dropped. Before: copies of what is destroyed.
    PurgeFolds,
    /// The receipt is appended. Before: everything is done, and nothing says so.
    Receipt,
}

/// Told before each step.
pub type BeforeStep = Arc<dyn Fn(RunStep) + Send + Sync>;

/// Says it in the program's own log, for whoever looks for what a run takes its time with.
pub fn logged() -> BeforeStep {
    Arc::new(|step| tracing::debug!(?step, "a run of the policies is at"))
}
