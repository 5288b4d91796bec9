//! Where followers read entries: the part of the log that a projection needs.
//!
//! Owns [`EntrySource`], its implementation for [`event_log::Log`] and the error of both. A
//! source shows durable entries only, so a view never knows more than the log after a crash.
//! Never writes.

mod log;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

use std::sync::Arc;

use facts::{EntryHeader, Fact, LogId, LogPosition};
use tokio::sync::watch;

/// A durable entry, opened.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceEntry {
    /// The header.
    pub header: EntryHeader,
    /// Digest of the entry (LOG section 3).
    pub digest: [u8; 32],
    /// The fact; `None` where its keys are destroyed.
    pub fact: Option<Arc<Fact>>,
}

/// Why entries could not be read. Trying again may help only where the log says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log could not be read at position {position}")]
pub struct SourceError {
    /// Where.
    pub position: LogPosition,
    /// What the log said, for operators.
    pub reason: String,
}

/// Durable entries in order of their positions.
pub trait EntrySource: Send + Sync + 'static {
    /// Identity of the log.
    fn log_id(&self) -> LogId;

    /// The last durable position.
    fn head(&self) -> LogPosition;

    /// One durable entry; `None` past the head.
    fn read(&self, position: LogPosition) -> Result<Option<SourceEntry>, SourceError>;

    /// At most `max` durable entries from `from` on, without a gap.
    fn read_range(&self, from: LogPosition, max: usize) -> Result<Vec<SourceEntry>, SourceError>;

    /// Watch of the durable head.
    fn subscribe(&self) -> watch::Receiver<LogPosition>;
}
