//! The latest durable entries in clear.
//!
//! Owns a bounded copy of what this process sealed a moment ago, so that followers and first
//! readers need not read back and open what was just written. It is filled as entries become
//! durable, before the head moves, and emptied when a destruction is ordered; it never shows what
//! the disk would not. Invariants: I3, I10. Never holds an entry that is not durable.

use std::collections::VecDeque;

use facts::LogPosition;
use parking_lot::Mutex;

use crate::{Entry, entry::PartContent};

/// Entries in the tail.
const TAIL_ENTRIES_MAX: usize = 4_096;
/// Clear bytes in the tail.
const TAIL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The tail.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Without a gap, oldest first.
    order: VecDeque<Entry>,
    bytes: usize,
}

fn clear_bytes(entry: &Entry) -> usize {
    entry.parts.iter().filter_map(PartContent::clear).map(<[u8]>::len).sum()
}

impl Tail {
    /// Adds the next durable entry.
    pub(crate) fn push(&self, entry: Entry) {
        let mut entries = self.0.lock();
        let follows = entries
            .order
            .back()
            .is_none_or(|last| last.header.position.next() == entry.header.position);
        if !follows {
            entries.clear();
        }
        entries.bytes += clear_bytes(&entry);
        entries.order.push_back(entry);
        while entries.order.len() > TAIL_ENTRIES_MAX || entries.bytes > TAIL_BYTES_MAX {
            let Some(oldest) = entries.order.pop_front() else { break };
            entries.bytes -= clear_bytes(&oldest);
        }
    }

    /// The entry at a position, if it is here.
    pub(crate) fn at(&self, position: LogPosition) -> Option<Entry> {
        let entries = self.0.lock();
        let at = entries.place(position)?;
        entries.order.get(at).cloned()
    }

    /// Entries from a position on, at most `max_entries` and about `max_bytes` of clear bytes;
    /// `None` where the first of them is not here.
    pub(crate) fn range(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
    ) -> Option<Vec<Entry>> {
        let entries = self.0.lock();
        let first = entries.place(from)?;
        let mut left = max_bytes;
        let mut found = Vec::new();
        for entry in entries.order.range(first..).take(max_entries) {
            if left == 0 && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(clear_bytes(entry));
            found.push(entry.clone());
        }
        (!found.is_empty()).then_some(found)
    }

    /// Forgets everything: keys are about to be destroyed.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Entries {
    fn place(&self, position: LogPosition) -> Option<usize> {
        let first = self.order.front()?.header.position;
        let place = usize::try_from(position.0.checked_sub(first.0)?).ok()?;
        (place < self.order.len()).then_some(place)
    }

    fn clear(&mut self) {
        self.order.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use facts::{EntryHeader, Incarnation, KeyEpoch, Revision, StreamId, Timestamp};

    use super::*;

    fn entry(position: u64, bytes: usize) -> Entry {
        let header = EntryHeader {
            position: LogPosition(position),
            stream: StreamId(0),
            revision: Revision(position),
            incarnation: Incarnation(1),
            fact_type: 1,
            fact_version: 1,
            recorded_at: Timestamp(0),
            key_epoch: KeyEpoch(0),
            batch: LogPosition(position),
            actor: StreamId(0),
            cause: LogPosition(0),
            parts: Vec::new(),
        };
        let parts = vec![PartContent::Clear(vec![0; bytes].into())];
        Entry { header, digest: [0; 32], parts, known: None, stub: None }
    }

    fn positions(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.header.position.0).collect()
    }

    #[test]
    fn ranges_begin_anywhere_in_it_and_keep_their_bounds() {
        let tail = Tail::default();
        (5..10).for_each(|position| tail.push(entry(position, 10)));
        let range = |from, entries, bytes| tail.range(LogPosition(from), entries, bytes);
        assert_eq!(range(4, 10, 100), None, "it begins later");
        assert_eq!(range(10, 10, 100), None, "it ends before");
        assert_eq!(positions(&range(7, 10, 100).expect("it is there")), [7, 8, 9]);
        assert_eq!(positions(&range(5, 2, 100).expect("it is there")), [5, 6]);
        assert_eq!(positions(&range(5, 10, 1).expect("at least one")), [5]);
        assert!(tail.at(LogPosition(9)).is_some() && tail.at(LogPosition(10)).is_none());
    }

    #[test]
    fn i10_old_entries_go_by_number_and_by_bytes() {
        let tail = Tail::default();
        (0..2 * TAIL_ENTRIES_MAX as u64).for_each(|position| tail.push(entry(position, 0)));
        assert_eq!(tail.0.lock().order.len(), TAIL_ENTRIES_MAX);
        let next = 2 * TAIL_ENTRIES_MAX as u64;
        tail.push(entry(next, TAIL_BYTES_MAX));
        tail.push(entry(next + 1, 1));
        assert_eq!(tail.0.lock().order.len(), 1);
        tail.clear();
        assert!(tail.at(LogPosition(next + 1)).is_none());
    }
}
