//! Reading: by position, in ranges, opened or raw. Never beyond the durable head.

use facts::LogPosition;

use super::Log;
use crate::{Entry, RawEntry, ReadFault, frame::Frame};

/// A range read answers at most this many entries.
pub const RANGE_ENTRIES_MAX: usize = 10_000;
/// Bytes read at once from a segment.
const CHUNK_BYTES: usize = 1024 * 1024;

impl Log {
    /// The entry at a position; `None` past the durable head.
    pub fn read(&self, position: LogPosition) -> Result<Option<Entry>, ReadFault> {
        if position <= self.head()
            && let Some(entry) = self.shared.tail.at(position)
        {
            return Ok(Some(entry));
        }
        match self.durable_frame(position)? {
            Some(frame) => self.shared.open_entry(frame).map(Some),
            None => Ok(None),
        }
    }

    /// The header and digest at a position, without opening anything.
    pub fn read_raw(&self, position: LogPosition) -> Result<Option<RawEntry>, ReadFault> {
        Ok(self.durable_frame(position)?.map(raw))
    }

    /// Entries in order from a position on: at most `max_entries`, and at least one (if there
    /// is one) but otherwise no more than about `max_bytes` of stored bytes. Empty past the
    /// durable head.
    pub fn read_range(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, ReadFault> {
        let head = self.head();
        if from <= head {
            let durable = usize::try_from(head.0 - from.0 + 1).unwrap_or(usize::MAX);
            let wanted = max_entries.clamp(1, RANGE_ENTRIES_MAX).min(durable);
            if let Some(entries) = self.shared.tail.range(from, wanted, max_bytes) {
                return Ok(entries);
            }
        }
        self.walk(from, max_entries, max_bytes, |frame| self.shared.open_entry(frame))
    }

    /// The same without opening anything.
    pub fn read_raw_range(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<RawEntry>, ReadFault> {
        self.walk(from, max_entries, max_bytes, |frame| Ok(raw(frame)))
    }

    fn durable_frame(&self, position: LogPosition) -> Result<Option<Frame>, ReadFault> {
        if position > self.head() {
            return Ok(None);
        }
        self.shared.shelf.frame(position)
    }

    pub(crate) fn walk<T>(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
        mut open: impl FnMut(Frame) -> Result<T, ReadFault>,
    ) -> Result<Vec<T>, ReadFault> {
        let head = self.head();
        let wanted = max_entries.clamp(1, RANGE_ENTRIES_MAX);
        let mut bytes_left = max_bytes;
        let mut next = from;
        let mut found = Vec::new();
        while next <= head && found.len() < wanted && (found.is_empty() || bytes_left > 0) {
            let durable = usize::try_from(head.0 - next.0 + 1).unwrap_or(usize::MAX);
            let entries = durable.min(wanted - found.len());
            let chunk = bytes_left.min(CHUNK_BYTES);
            let frames = self.shared.shelf.frames(next, entries, chunk)?;
            if frames.is_empty() {
                break;
            }
            for frame in frames {
                bytes_left = bytes_left.saturating_sub(frame.stored_bytes());
                next = frame.header.position.next();
                found.push(open(frame)?);
            }
        }
        Ok(found)
    }
}

fn raw(frame: Frame) -> RawEntry {
    RawEntry { digest: frame.digest(), header: frame.header }
}
