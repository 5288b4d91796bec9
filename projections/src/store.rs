//! The store of one view: one fjall database with one keyspace.
//!
//! Owns opening, snapshots and the atomic commit of rows together with a checkpoint (I5). All
//! tables share one keyspace, told apart by the key's first byte: one LSM tree and one journal, so
//! that after a power loss rows and checkpoint are of the same instant. fjall writes a batch to
//! its journal between markers with a checksum and drops an incomplete one; a journal is synced
//! before the next begins; a memtable is flushed whole. What a crash leaves is thus a prefix of
//! the batches. What does not open is dropped by the caller and rebuilt. Never fsyncs.

mod batch;
mod hot;
mod key;
mod rows;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable, config::PartitioningPolicy};

#[cfg(test)]
pub(crate) use self::rows::Row;
pub use self::{
    batch::Batch,
    hot::Grouping,
    key::{Key, KeyReader},
    rows::{Order, Rows},
};
use self::{
    hot::{HotRows, tail::Tail},
    key::after_prefix,
};
pub(crate) use self::{
    key::end_of_str,
    rows::{RowIter, decode},
};

/// Bytes of the block cache of one view.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Threads that flush and compact one view.
const WORKERS: usize = 1;
/// The memtable is flushed at this size.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Before what is remembered of settled rows, beside the rows themselves: table bytes are below.
const SETTLED: u8 = u8::MAX;
/// Name of the only keyspace.
const KEYSPACE: &str = "rows";

/// Why a view store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store failed; a retry may help after the cause is gone.
    #[error("the view store failed")]
    Store(#[from] fjall::Error),
    /// A row does not have its shape: the view is damaged and has to be rebuilt.
    #[error("a row of table {0} in the view store is malformed")]
    Row(u8),
    /// A walk over rows took more steps than it may.
    #[error("a walk over the view store exceeded its bound")]
    Bound,
    /// A body could not be read from the log.
    #[error("the log could not be read for the view")]
    Source(#[from] crate::source::SourceError),
}

/// One view's rows on disk.
#[derive(Clone)]
pub struct Store {
    db: Database,
    rows: Keyspace,
    hot: Arc<HotRows>,
}

impl Store {
    /// Opens or creates the store in `path`. The ends of groups of rows are kept in memory.
    pub fn open(path: &Path, grouping: Grouping) -> Result<Self, StoreError> {
        let db = Database::builder(path).cache_size(CACHE_BYTES).worker_threads(WORKERS).open()?;
        let rows = db.keyspace(KEYSPACE, || {
            // Parts of filters and indexes are read, not whole ones of a megabyte and more.
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
                .index_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        })?;
        Ok(Self { db, rows, hot: Arc::new(HotRows::new(grouping)) })
    }

    /// A consistent picture of all rows.
    pub fn snapshot(&self) -> StoreSnapshot {
        let before = self.hot.version();
        let mut snapshot = self.plain_snapshot();
        // It holds what was committed by this version and nothing later.
        let version = before.filter(|_| self.hot.version() == before);
        snapshot.hot = version.map(|version| (self.hot.clone(), version));
        snapshot
    }

    /// As [`Self::snapshot`], for reads that are not to be remembered.
    fn plain_snapshot(&self) -> StoreSnapshot {
        StoreSnapshot { snapshot: self.db.snapshot(), rows: self.rows.clone(), hot: None }
    }

    /// A batch that reads its own writes.
    pub fn batch(&self) -> Batch {
        Batch::new(self.plain_snapshot())
    }

    /// Commits all writes of `batch` as one.
    ///
    /// A crash before fjall's end marker reached the disk leaves nothing of the batch; after it,
    /// all of it. Neither is synced: the follower replays what was lost.
    pub fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let writes = batch.into_writes();
        let mut out = self.db.batch();
        for (key, value) in &writes {
            match value {
                Some(value) => out.insert(&self.rows, key.as_slice(), value.as_slice()),
                None => out.remove(&self.rows, key.as_slice()),
            }
        }
        let updates = HotRows::wants(&writes).then_some(&writes);
        self.hot.commit(updates, || Ok(out.commit()?))
    }

    /// Merges everything on disk and begins a new journal, so that deleted values are gone
    /// (DESIGN section 6). Blocks for as long as that takes.
    pub fn purge(&self) -> Result<(), StoreError> {
        event_log::purge_store(&self.db, &[&self.rows])?;
        Ok(())
    }
}

/// Rows at one instant.
#[derive(Clone)]
pub struct StoreSnapshot {
    snapshot: fjall::Snapshot,
    rows: Keyspace,
    /// What is remembered, and the snapshot's version; `None` where it reads past that.
    hot: Option<(Arc<HotRows>, u64)>,
}

impl StoreSnapshot {
    /// The same rows, read past everything that is remembered.
    #[cfg(test)]
    pub(crate) fn plain(&self) -> Self {
        Self { hot: None, ..self.clone() }
    }

    /// The end of the group that holds the range, from memory or for it.
    fn tail(&self, from: &[u8], to: &[u8]) -> Option<Arc<Tail>> {
        let (hot, version) = self.hot.as_ref()?;
        let group = hot.group_of(from, to)?;
        if let Some(tail) = hot.tail(group, *version) {
            return Some(tail);
        }
        if hot.version() != Some(*version) {
            return None;
        }
        let rows = self.range(group, &after_prefix(group), Order::Backward);
        let tail = Arc::new(Tail::read(group, rows)?);
        hot.keep_tail(group, tail.clone(), *version);
        Some(tail)
    }

    /// A range of which the tail knows the end, and the store the rest.
    fn with_tail(
        &self,
        tail: Arc<Tail>,
        from: &[u8],
        to: &[u8],
        order: Order,
    ) -> rows::RowIter<'_> {
        let rest = (from < tail.low()).then(|| (from.to_vec(), tail.low().min(to).to_vec()));
        // Opened only when it is come to.
        let rest = rest.into_iter().flat_map(move |(from, to)| self.range(&from, &to, order));
        let known = tail.within(from, to);
        match order {
            Order::Forward => Box::new(rest.chain(known.map(move |at| Ok(tail.row(at))))),
            Order::Backward => Box::new(known.rev().map(move |at| Ok(tail.row(at))).chain(rest)),
        }
    }

    fn range(&self, from: &[u8], to: &[u8], order: Order) -> rows::RowIter<'_> {
        let range = self.snapshot.range(&self.rows, from..to);
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            Ok((key.to_vec(), value.to_vec()))
        };
        match order {
            Order::Forward => Box::new(range.map(read)),
            Order::Backward => Box::new(range.rev().map(read)),
        }
    }

    /// A value from memory, or read and kept there.
    fn remembered(
        &self,
        key: &[u8],
        read: impl FnOnce() -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((hot, version)) = &self.hot else { return read() };
        if let Some(value) = hot.row(key, *version) {
            return Ok(value);
        }
        let value = read()?;
        hot.keep_row(key, value.as_deref(), *version);
        Ok(value)
    }
}

impl Rows for StoreSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.remembered(key, || Ok(self.snapshot.get(&self.rows, key)?.map(|value| value.to_vec())))
    }

    fn iterate(&self, from: &[u8], to: &[u8], order: Order) -> rows::RowIter<'_> {
        match self.tail(from, to) {
            Some(tail) => self.with_tail(tail, from, to, order),
            None => self.range(from, to, order),
        }
    }

    fn last_settled(&self, prefix: &Key, upto: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let name = Key::new(SETTLED).raw(upto.as_bytes());
        self.remembered(name.as_bytes(), || {
            Ok(self.last_at_most(prefix, upto)?.map(|(_, value)| value))
        })
    }
}
