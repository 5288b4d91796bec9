//! Entries that the log has given positions to and the fold store does not hold yet.
//!
//! Owns the one place through which every entry reaches the folds, live and at start alike (I7):
//! a fold catches up from here, and the index rows of the entries stand here. Bounded: a flush
//! moves entries into the store, and appends are refused while too much waits (I10).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use facts::{EntryHeader, Fact, LogPosition, StreamId, fact::StreamKind};

use crate::index::{IndexRow, TxnDone, TxnKey, rows_of};

/// A flush begins at this many entries.
pub const FLUSH_ENTRIES: usize = 2_000;
/// A flush begins at this many clear bytes.
pub const FLUSH_BYTES: usize = 16 * 1024 * 1024;
/// Appends are refused while this many times as much waits for a flush.
pub const FULL_FACTOR: usize = 8;

/// An entry with its fact; `None` where the keys are destroyed.
#[derive(Debug)]
pub(crate) struct RecentEntry {
    pub(crate) header: EntryHeader,
    pub(crate) fact: Option<Arc<Fact>>,
    rows: Vec<IndexRow>,
}

impl RecentEntry {
    fn bytes(&self) -> usize {
        let parts = self.header.parts.iter();
        parts.map(|part| part.length as usize).sum()
    }
}

/// Recent entries, by stream and as index rows.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    order: VecDeque<Arc<RecentEntry>>,
    bytes: usize,
    by_stream: HashMap<StreamId, VecDeque<Arc<RecentEntry>>>,
    names: HashMap<(StreamKind, String), StreamId>,
    streams: HashMap<StreamId, (StreamKind, String)>,
    events: HashMap<String, LogPosition>,
    txns: HashMap<TxnKey, TxnDone>,
    placements: HashMap<LogPosition, LogPosition>,
}

impl Recent {
    /// Takes the next entry in order of positions.
    pub(crate) fn push(&mut self, header: EntryHeader, fact: Option<Arc<Fact>>) {
        let rows = fact.as_deref().map_or_else(Vec::new, |fact| rows_of(&header, fact));
        for row in &rows {
            self.index(row);
        }
        let entry = Arc::new(RecentEntry { header, fact, rows });
        self.bytes += entry.bytes();
        self.by_stream.entry(entry.header.stream).or_default().push_back(Arc::clone(&entry));
        self.order.push_back(entry);
    }

    fn index(&mut self, row: &IndexRow) {
        match row {
            IndexRow::Stream { stream, kind, name } => {
                self.names.insert((*kind, name.clone()), *stream);
                self.streams.insert(*stream, (*kind, name.clone()));
            }
            IndexRow::Event { event_id, position } => {
                self.events.insert(event_id.clone(), *position);
            }
            IndexRow::Txn { key, done } => {
                self.txns.insert(key.clone(), *done);
            }
            IndexRow::Placed { pdu, at } => {
                self.placements.insert(*pdu, *at);
            }
        }
    }

    /// Forgets entries up to and including `position`: the store holds them.
    pub(crate) fn forget(&mut self, position: LogPosition) {
        while let Some(entry) = self.order.front()
            && entry.header.position <= position
        {
            let entry = self.order.pop_front().expect("there is a front");
            self.bytes -= entry.bytes();
            for row in &entry.rows {
                self.unindex(row);
            }
            let stream = entry.header.stream;
            if let Some(of_stream) = self.by_stream.get_mut(&stream) {
                of_stream.pop_front();
                if of_stream.is_empty() {
                    self.by_stream.remove(&stream);
                }
            }
        }
    }

    /// Removes a row unless a later entry has replaced it.
    fn unindex(&mut self, row: &IndexRow) {
        match row {
            IndexRow::Stream { stream, kind, name } => {
                let name = (*kind, name.clone());
                if self.names.get(&name) == Some(stream) {
                    self.names.remove(&name);
                }
                self.streams.remove(stream);
            }
            IndexRow::Event { event_id, position } => {
                if self.events.get(event_id) == Some(position) {
                    self.events.remove(event_id);
                }
            }
            IndexRow::Txn { key, done } => {
                if self.txns.get(key) == Some(done) {
                    self.txns.remove(key);
                }
            }
            IndexRow::Placed { pdu, at } => {
                if self.placements.get(pdu) == Some(at) {
                    self.placements.remove(pdu);
                }
            }
        }
    }

    /// The entries of a stream after `applied`, oldest first.
    pub(crate) fn after(
        &self,
        stream: StreamId,
        applied: Option<LogPosition>,
    ) -> Vec<Arc<RecentEntry>> {
        let Some(of_stream) = self.by_stream.get(&stream) else {
            return Vec::new();
        };
        let first = of_stream
            .partition_point(|entry| applied.is_some_and(|done| entry.header.position <= done));
        of_stream.range(first..).cloned().collect()
    }

    /// The entry at a position, if it is recent.
    pub(crate) fn at(&self, position: LogPosition) -> Option<Arc<RecentEntry>> {
        let first = self.order.front()?.header.position;
        // Entries of others may stand between ours, so the distance is an upper bound.
        let bound = usize::try_from(position.0.checked_sub(first.0)?).ok()?;
        let upto = self.order.len().min(bound.saturating_add(1));
        let found = self.order.range(..upto).rfind(|entry| entry.header.position <= position)?;
        (found.header.position == position).then(|| Arc::clone(found))
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<&EntryHeader> {
        self.order.back().map(|entry| &entry.header)
    }

    /// The streams that have entries here.
    pub(crate) fn streams(&self) -> Vec<StreamId> {
        self.by_stream.keys().copied().collect()
    }

    /// The entries up to and including `position`.
    pub(crate) fn up_to(&self, position: LogPosition) -> Vec<Arc<RecentEntry>> {
        let taken = self.order.iter();
        taken.take_while(|entry| entry.header.position <= position).cloned().collect()
    }

    pub(crate) fn flush_is_due(&self) -> bool {
        self.order.len() >= FLUSH_ENTRIES || self.bytes >= FLUSH_BYTES
    }

    pub(crate) fn is_full(&self) -> bool {
        self.order.len() >= FULL_FACTOR * FLUSH_ENTRIES || self.bytes >= FULL_FACTOR * FLUSH_BYTES
    }

    pub(crate) fn stream_named(&self, kind: StreamKind, name: &str) -> Option<StreamId> {
        self.names.get(&(kind, name.to_owned())).copied()
    }

    pub(crate) fn stream(&self, stream: StreamId) -> Option<(StreamKind, String)> {
        self.streams.get(&stream).cloned()
    }

    pub(crate) fn event(&self, event_id: &str) -> Option<LogPosition> {
        self.events.get(event_id).copied()
    }

    pub(crate) fn placement(&self, pdu: LogPosition) -> Option<LogPosition> {
        self.placements.get(&pdu).copied()
    }

    pub(crate) fn txn(&self, key: &TxnKey) -> Option<TxnDone> {
        self.txns.get(key).copied()
    }
}

impl RecentEntry {
    /// What the store's index gets of this entry.
    pub(crate) fn rows(&self) -> &[IndexRow] {
        &self.rows
    }
}
