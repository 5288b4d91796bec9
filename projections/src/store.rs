//! The store of one view: one fjall database with one keyspace.
//!
//! Owns opening, snapshots and the atomic commit of rows together with a checkpoint (I5). All
//! tables share one keyspace, told apart by the key's first byte: one LSM tree and one journal, so
//! that after a power loss rows and checkpoint are of the same instant. fjall writes a batch to
//! its journal between markers with a checksum and drops an incomplete one; a journal is synced
//! before the next begins; a memtable is flushed whole. What a crash leaves is thus a prefix of
//! the batches. What does not open is dropped by the caller and rebuilt. Never fsyncs.

mod batch;
mod key;
mod rows;

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable, config::PartitioningPolicy};

#[cfg(test)]
pub(crate) use self::rows::Row;
pub(crate) use self::rows::decode;
pub use self::{
    batch::Batch,
    key::{Key, KeyReader},
    rows::{Order, Rows},
};

/// Bytes of the block cache of one view.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Threads that flush and compact one view.
const WORKERS: usize = 1;
/// The memtable is flushed at this size.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
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
}

impl Store {
    /// Opens or creates the store in `path`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Database::builder(path).cache_size(CACHE_BYTES).worker_threads(WORKERS).open()?;
        let rows = db.keyspace(KEYSPACE, || {
            // Parts of filters and indexes are read, not whole ones of a megabyte and more.
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
                .index_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        })?;
        Ok(Self { db, rows })
    }

    /// A consistent picture of all rows.
    pub fn snapshot(&self) -> StoreSnapshot {
        StoreSnapshot { snapshot: self.db.snapshot(), rows: self.rows.clone() }
    }

    /// A batch that reads its own writes.
    pub fn batch(&self) -> Batch {
        Batch::new(self.snapshot())
    }

    /// Commits all writes of `batch` as one.
    ///
    /// A crash before fjall's end marker reached the disk leaves nothing of the batch; after it,
    /// all of it. Neither is synced: the follower replays what was lost.
    pub fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let writes = batch.into_writes();
        let mut out = self.db.batch();
        for (key, value) in writes {
            match value {
                Some(value) => out.insert(&self.rows, key, value),
                None => out.remove(&self.rows, key),
            }
        }
        out.commit()?;
        Ok(())
    }

    /// Merges everything on disk, so that deleted values are gone (DESIGN section 6).
    pub fn compact(&self) -> Result<(), StoreError> {
        self.rows.rotate_memtable_and_wait()?;
        self.rows.major_compact()?;
        Ok(())
    }
}

/// Rows at one instant.
#[derive(Clone)]
pub struct StoreSnapshot {
    snapshot: fjall::Snapshot,
    rows: Keyspace,
}

impl Rows for StoreSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get(&self.rows, key)?.map(|value| value.to_vec()))
    }

    fn iterate(&self, from: &[u8], to: &[u8], order: Order) -> rows::RowIter<'_> {
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
}
