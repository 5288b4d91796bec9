//! The fold store: folds of cold streams and the index, as of a checkpoint.
//!
//! Owns `<data_dir>/folds/` (fjall). Deletable: rebuilt from the log. One atomic batch carries
//! rows and checkpoint, and is written only for what is durable in the log, so the store is never
//! ahead of it. No fsync: a store that lost its tail is an older, whole one, and replays.
//! Invariants: I5 (rows and checkpoint together), I7. Never decides anything.

mod checkpoint;
mod keys;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fs, path::Path};

use facts::{LogPosition, StreamId, Timestamp, fact::StreamKind};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, config::PartitioningPolicy};

pub(crate) use self::checkpoint::FoldCheckpoint;
use crate::{
    fold::FoldRow,
    index::{IndexRow, TXN_KEPT_MS, TxnDone, TxnKey, kind_of_number},
};

/// Memory that the store may use for blocks that it has read.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// A keyspace's memtable is flushed at this size; most hold a few bytes an entry.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
/// Expired client transactions after which a flush forgets no more; it ends with those of one
/// earlier flush.
const TXNS_FORGOTTEN_MAX: usize = 10_000;

/// The fold store failed.
#[derive(Debug, thiserror::Error)]
pub enum FoldStoreFault {
    /// The store underneath failed.
    #[error("the store of folds failed")]
    Store(#[from] fjall::Error),
    /// Its directory could not be made or emptied.
    #[error("the directory of folds could not be made or emptied")]
    Directory(#[from] std::io::Error),
    /// A row does not have its shape.
    #[error("a row of the fold store is damaged: {0}")]
    Damaged(&'static str),
}

/// A fold's progress: last entry applied, and the stream's revision there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) position: LogPosition,
    pub(crate) revision: facts::Revision,
}

/// A fold to be saved.
#[derive(Debug)]
pub(crate) struct SavedFold {
    pub(crate) stream: StreamId,
    pub(crate) applied: Applied,
    pub(crate) rows: Vec<FoldRow>,
}

/// A fold as it was saved.
pub(crate) type StoredFold = (Applied, Vec<(Vec<u8>, Vec<u8>)>);

/// Folds and index on disk.
pub(crate) struct FoldStore {
    database: Database,
    meta: Keyspace,
    names: Keyspace,
    streams: Keyspace,
    events: Keyspace,
    txns: Keyspace,
    txn_days: Keyspace,
    placements: Keyspace,
    folds: Keyspace,
}

impl FoldStore {
    /// Opens the store. One that cannot be opened is thrown away: the log has everything.
    pub(crate) fn open(dir: &Path) -> Result<Self, FoldStoreFault> {
        match Self::open_as_it_is(dir) {
            Ok(store) => Ok(store),
            Err(FoldStoreFault::Store(fjall::Error::Locked)) => {
                Err(FoldStoreFault::Store(fjall::Error::Locked))
            }
            Err(error) => {
                tracing::warn!(%error, "the fold store cannot be opened and is rebuilt");
                Self::empty(dir)?;
                Self::open_as_it_is(dir)
            }
        }
    }

    /// Throws everything away and opens an empty store.
    pub(crate) fn reset(self, dir: &Path) -> Result<Self, FoldStoreFault> {
        drop(self);
        Self::empty(dir)?;
        Self::open_as_it_is(dir)
    }

    fn empty(dir: &Path) -> Result<(), FoldStoreFault> {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn open_as_it_is(dir: &Path) -> Result<Self, FoldStoreFault> {
        fs::create_dir_all(dir)?;
        let database = Database::builder(dir).cache_size(CACHE_BYTES).open()?;
        // Parts of filters and indexes are read, not whole ones of a megabyte and more.
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
                .index_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        };
        let keyspace = |name| database.keyspace(name, options);
        Ok(Self {
            meta: keyspace("meta")?,
            names: keyspace("names")?,
            streams: keyspace("streams")?,
            events: keyspace("events")?,
            txns: keyspace("txns")?,
            txn_days: keyspace("txn_days")?,
            placements: keyspace("placements")?,
            folds: keyspace("folds")?,
            database,
        })
    }

    /// The stream with this name.
    pub(crate) fn stream_named(
        &self,
        kind: StreamKind,
        name: &str,
    ) -> Result<Option<StreamId>, FoldStoreFault> {
        let value = self.names.get(keys::name(kind, name))?;
        value.map(|value| keys::u64_of(&value).map(StreamId)).transpose()
    }

    /// Kind and name of a stream.
    pub(crate) fn stream(
        &self,
        stream: StreamId,
    ) -> Result<Option<(StreamKind, String)>, FoldStoreFault> {
        let Some(value) = self.streams.get(stream.0.to_be_bytes())? else {
            return Ok(None);
        };
        let damaged = FoldStoreFault::Damaged("streams");
        let (kind, name) = match value.split_first() {
            Some((kind, name)) => (kind_of_number(*kind), std::str::from_utf8(name).ok()),
            None => return Err(damaged),
        };
        match (kind, name) {
            (Some(kind), Some(name)) => Ok(Some((kind, name.to_owned()))),
            _ => Err(damaged),
        }
    }

    /// Where an event is stored.
    pub(crate) fn event(&self, event_id: &str) -> Result<Option<LogPosition>, FoldStoreFault> {
        let value = self.events.get(event_id)?;
        value.map(|value| keys::u64_of(&value).map(LogPosition)).transpose()
    }

    /// The entry that placed a PDU last, if it was placed after it was stored.
    pub(crate) fn placement(
        &self,
        pdu: LogPosition,
    ) -> Result<Option<LogPosition>, FoldStoreFault> {
        let value = self.placements.get(pdu.0.to_be_bytes())?;
        value.map(|value| keys::u64_of(&value).map(LogPosition)).transpose()
    }

    /// What became of a client's transaction; old ones may still be there.
    pub(crate) fn txn(&self, key: &TxnKey) -> Result<Option<TxnDone>, FoldStoreFault> {
        let value = self.txns.get(keys::txn(key))?;
        value.map(|value| keys::txn_done(&value)).transpose()
    }

    /// A saved fold; `None` for one that was never saved.
    pub(crate) fn fold(&self, stream: StreamId) -> Result<Option<StoredFold>, FoldStoreFault> {
        let mut applied = None;
        let mut rows = Vec::new();
        for guard in self.folds.prefix(stream.0.to_be_bytes()) {
            let (key, value) = guard.into_inner()?;
            match keys::fold_row(&key)? {
                None => applied = Some(keys::applied(&value)?),
                Some(row) => rows.push((row.to_vec(), value.to_vec())),
            }
        }
        Ok(applied.map(|applied| (applied, rows)))
    }

    /// Writes folds, index rows and the checkpoint as one. All of it is durable in the log.
    ///
    /// A crash before or within the commit leaves the previous checkpoint with its rows; replay
    /// from there gives the same.
    pub(crate) fn commit<'a>(
        &self,
        checkpoint: &FoldCheckpoint,
        index: impl Iterator<Item = &'a IndexRow>,
        folds: Vec<SavedFold>,
        now: Timestamp,
    ) -> Result<(), FoldStoreFault> {
        let mut batch = self.database.batch();
        self.forget_old_txns(&mut batch, now)?;
        let mut days = BTreeMap::new();
        for row in index {
            self.put_index_row(&mut batch, row, &mut days);
        }
        for (day, txns) in days {
            batch.insert(&self.txn_days, keys::txn_day(day, checkpoint.position), txns);
        }
        for fold in folds {
            let key = keys::fold_applied(fold.stream);
            batch.insert(&self.folds, key, keys::applied_value(fold.applied));
            for (row, value) in fold.rows {
                let key = keys::fold(fold.stream, &row);
                match value {
                    Some(value) => batch.insert(&self.folds, key, value),
                    None => batch.remove(&self.folds, key),
                }
            }
        }
        batch.insert(&self.meta, "checkpoint", checkpoint.encode());
        batch.commit()?;
        Ok(())
    }

    /// Puts a fold in the place of the one that is saved, whatever rows that has. It carries its own
    /// progress, and all of it is durable in the log. A crash leaves the one or the other.
    pub(crate) fn replace(&self, fold: SavedFold) -> Result<(), FoldStoreFault> {
        let mut batch = self.database.batch();
        for guard in self.folds.prefix(fold.stream.0.to_be_bytes()) {
            batch.remove(&self.folds, guard.key()?);
        }
        let key = keys::fold_applied(fold.stream);
        batch.insert(&self.folds, key, keys::applied_value(fold.applied));
        for (row, value) in fold.rows {
            if let Some(value) = value {
                batch.insert(&self.folds, keys::fold(fold.stream, &row), value);
            }
        }
        batch.commit()?;
        Ok(())
    }

    /// The checkpoint; `None` in an empty store or one of another format.
    pub(crate) fn checkpoint(&self) -> Result<Option<FoldCheckpoint>, FoldStoreFault> {
        let value = self.meta.get("checkpoint")?;
        Ok(value.and_then(|value| FoldCheckpoint::decode(&value)))
    }

    /// Merges everything on disk and begins a new journal, so that replaced values are gone.
    pub(crate) fn purge(&self) -> Result<(), FoldStoreFault> {
        let keyspaces = [
            &self.meta,
            &self.names,
            &self.streams,
            &self.events,
            &self.txns,
            &self.txn_days,
            &self.placements,
            &self.folds,
        ];
        event_log::purge_store(&self.database, &keyspaces)?;
        Ok(())
    }

    /// `days` gathers the keys of client transactions by their day.
    fn put_index_row(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        row: &IndexRow,
        days: &mut BTreeMap<u32, Vec<u8>>,
    ) {
        match row {
            IndexRow::Stream { stream, kind, name } => {
                let id = stream.0.to_be_bytes();
                batch.insert(&self.names, keys::name(*kind, name), id);
                batch.insert(&self.streams, id, keys::stream_value(*kind, name));
            }
            IndexRow::Event { event_id, position } => {
                batch.insert(&self.events, event_id.as_str(), position.0.to_be_bytes());
            }
            IndexRow::Placed { pdu, at } => {
                batch.insert(&self.placements, pdu.0.to_be_bytes(), at.0.to_be_bytes());
            }
            IndexRow::Txn { key, done } => {
                let key = keys::txn(key);
                days.entry(done.recorded_at.day()).or_default().extend_from_slice(&key);
                batch.insert(&self.txns, key, keys::txn_done_value(*done));
            }
        }
    }

    /// Removes client transactions of days that no retry is recognized of any more.
    fn forget_old_txns(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        now: Timestamp,
    ) -> Result<(), FoldStoreFault> {
        let first_kept = Timestamp(now.0.saturating_sub(TXN_KEPT_MS)).day();
        let expired = self.txn_days.range(..first_kept.to_be_bytes().to_vec());
        let mut forgotten = 0;
        for guard in expired {
            if forgotten >= TXNS_FORGOTTEN_MAX {
                break;
            }
            let (day_key, txns) = guard.into_inner()?;
            for txn_key in txns.chunks_exact(keys::TXN_BYTES) {
                if let Some(value) = self.txns.get(txn_key)?
                    && keys::txn_done(&value)?.recorded_at.day() < first_kept
                {
                    batch.remove(&self.txns, txn_key);
                }
                forgotten += 1;
            }
            batch.remove(&self.txn_days, day_key);
        }
        Ok(())
    }
}
