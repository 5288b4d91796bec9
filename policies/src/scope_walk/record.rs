//! The log, as a walk reads it.
//!
//! Owns the port; tests hand in one that counts and fails. Reading only.

use event_log::{Disclosure, Entry, Log, ReadFault};
use facts::{EntryHeader, LogPosition};

/// Durable entries, by position. All reads block on the disk.
pub trait Record: Send + Sync + 'static {
    /// The last durable entry.
    fn head(&self) -> LogPosition;

    /// Headers in order from a position on, at most `max`, without opening anything.
    fn headers(&self, from: LogPosition, max: usize) -> Result<Vec<EntryHeader>, ReadFault>;

    /// The entry at a position, opened; `None` past the head.
    fn open(&self, position: LogPosition) -> Result<Option<Entry>, ReadFault>;

    /// Entries in order from a position on, at most `max`, for somebody who verifies them without
    /// the log; those that `wanted` names are opened.
    fn disclose(
        &self,
        from: LogPosition,
        max: usize,
        wanted: &dyn Fn(&EntryHeader) -> bool,
    ) -> Result<Vec<Disclosure>, ReadFault>;
}

/// Bytes of the log that one look at headers reads, at most.
const HEADER_READ_BYTES: usize = 4 * 1024 * 1024;

impl Record for Log {
    fn head(&self) -> LogPosition {
        Self::head(self)
    }

    fn headers(&self, from: LogPosition, max: usize) -> Result<Vec<EntryHeader>, ReadFault> {
        let entries = self.read_raw_range(from, max, HEADER_READ_BYTES)?;
        Ok(entries.into_iter().map(|entry| entry.header).collect())
    }

    fn open(&self, position: LogPosition) -> Result<Option<Entry>, ReadFault> {
        self.read(position)
    }

    fn disclose(
        &self,
        from: LogPosition,
        max: usize,
        wanted: &dyn Fn(&EntryHeader) -> bool,
    ) -> Result<Vec<Disclosure>, ReadFault> {
        self.disclose_range(from, max, HEADER_READ_BYTES, wanted)
    }
}
