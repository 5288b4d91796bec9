//! The index of streams: head revision, key trees, the person's open tree; and where stubs are.
//!
//! Owns `<data_dir>/log/index/`, deletable and rebuilt from the log: from its headers, from what it
//! states of itself, and from the entries that hold stubs. It holds durable
//! entries only; the writer's view of what is still on its way is in `assign.rs`, and both apply
//! headers through [`StreamState::apply`] (I7). Rows and checkpoint commit together (I5).
//!
//! A person's tree is opened only by an entry in the person's own stream, and numbers count up,
//! so a header whose person tree is new belongs to the stream's own person: headers are enough.

mod checkpoint;
mod fault;
mod row_keys;
mod stream_state;
mod stub_rows;

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::Path,
};

use facts::{EntryHeader, LogId, LogPosition, StreamId, TreeId, fact::MessagesStubbed};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, config::PartitioningPolicy};

pub use self::fault::IndexFault;
pub(crate) use self::{
    checkpoint::IndexCheckpoint,
    stream_state::{StreamState, tree_after_fork},
};
use self::{
    row_keys::{CHECKPOINT_KEY, JUMP_KEY, UNDONE_KEY, ended_key, order_key, stream_key},
    stub_rows::{StubLook, StubRows},
};
use crate::{Digest, fields::Fields};

/// Changed streams kept before they are written to the store.
pub const UNFLUSHED_STREAMS_MAX: usize = 20_000;
/// Entries applied before the checkpoint is moved, so that a start replays no more than these.
pub const UNFLUSHED_ENTRIES_MAX: u64 = 50_000;
/// Bytes of the index's block cache.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// Its memtable is flushed at this size.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;

/// The index.
pub(crate) struct StreamIndex {
    database: Database,
    rows: Keyspace,
    unflushed: HashMap<StreamId, StreamState>,
    unflushed_entries: u64,
    /// Orders whose rows are not flushed yet.
    new_orders: Vec<LogPosition>,
    /// Orders not known to be done; few, for destructions run one at a time.
    undone: BTreeSet<LogPosition>,
    ended_trees: Vec<u32>,
    new_stubs: StubRows,
    /// The latest jump of the clock that nobody has confirmed.
    jump: Option<LogPosition>,
    checkpoint: Option<IndexCheckpoint>,
}

impl StreamIndex {
    /// Opens the index; one that cannot be opened is dropped and made anew.
    pub(crate) fn open(dir: &Path) -> Result<Self, IndexFault> {
        match Self::open_store(dir) {
            // Rows without a checkpoint that this version reads: replaying over them would mix
            // two layouts.
            Ok(index) if index.checkpoint.is_none() && !index.rows.is_empty()? => {
                tracing::info!("the index of streams has another layout; it is rebuilt");
                drop(index);
                Self::open_empty(dir)
            }
            Ok(index) => Ok(index),
            Err(error) => {
                tracing::warn!(%error, "the index of streams is rebuilt");
                Self::open_empty(dir)
            }
        }
    }

    /// Drops what is there and opens an empty index.
    pub(crate) fn open_empty(dir: &Path) -> Result<Self, IndexFault> {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Self::open_store(dir),
        }
    }

    fn open_store(dir: &Path) -> Result<Self, IndexFault> {
        let database = Database::builder(dir).cache_size(CACHE_BYTES).worker_threads(1).open()?;
        let rows = database.keyspace("streams", || {
            // Parts of filters and indexes are read, not whole ones of a megabyte and more.
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
                .index_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        })?;
        let mut index = Self {
            database,
            rows,
            unflushed: HashMap::new(),
            unflushed_entries: 0,
            new_orders: Vec::new(),
            undone: BTreeSet::new(),
            ended_trees: Vec::new(),
            new_stubs: StubRows::default(),
            jump: None,
            checkpoint: None,
        };
        let found = index.rows.get(CHECKPOINT_KEY)?;
        index.checkpoint = found.and_then(|bytes| IndexCheckpoint::decode(&bytes));
        let jump = index.rows.get(JUMP_KEY)?;
        index.jump = jump.and_then(|bytes| Fields::new(&bytes).u64()).map(LogPosition);
        if let Some(bytes) = index.rows.get(UNDONE_KEY)? {
            for position in bytes.chunks_exact(8) {
                let position = Fields::new(position).u64().ok_or(IndexFault::Row)?;
                index.undone.insert(LogPosition(position));
            }
        }
        Ok(index)
    }

    /// Up to where the index holds the log, what is not flushed included.
    pub(crate) fn checkpoint(&self) -> Option<&IndexCheckpoint> {
        self.checkpoint.as_ref()
    }

    /// The number that the next tree gets.
    pub(crate) fn next_tree(&self) -> u32 {
        self.checkpoint.as_ref().map_or(1, |at| at.next_tree)
    }

    /// Orders that are not known to be done.
    pub(crate) fn undone(&self) -> &BTreeSet<LogPosition> {
        &self.undone
    }

    /// Orders after a position, ascending.
    pub(crate) fn orders_after(
        &self,
        position: LogPosition,
    ) -> Result<BTreeSet<LogPosition>, IndexFault> {
        let mut orders: BTreeSet<_> = self.new_orders.iter().copied().collect();
        for row in self.rows.range(order_key(position)..order_key(LogPosition(u64::MAX))) {
            let key = row.key()?;
            let number = key.get(1..).and_then(|bytes| Fields::new(bytes).u64());
            orders.insert(LogPosition(number.ok_or(IndexFault::Row)?));
        }
        orders.retain(|order| *order > position);
        Ok(orders)
    }

    /// The state of a stream after the last applied entry.
    pub(crate) fn state(&self, stream: StreamId) -> Result<Option<StreamState>, IndexFault> {
        if let Some(state) = self.unflushed.get(&stream) {
            return Ok(Some(state.clone()));
        }
        let Some(bytes) = self.rows.get(stream_key(stream))? else {
            return Ok(None);
        };
        let mut state = StreamState::decode(&bytes).ok_or(IndexFault::Row)?;
        if state.person_tree.is_some() && self.has_ended(state.person_tree)? {
            state.person_tree = TreeId::NONE;
        }
        Ok(Some(state))
    }

    /// Applies a durable entry, in order of position.
    pub(crate) fn apply(
        &mut self,
        log_id: LogId,
        header: &EntryHeader,
        digest: Digest,
    ) -> Result<(), IndexFault> {
        let mut next_tree = self.next_tree();
        let forked =
            self.checkpoint.as_ref().is_some_and(|at| at.incarnation != header.incarnation);
        if forked {
            next_tree = tree_after_fork(next_tree);
        }
        let state = StreamState::apply(self.state(header.stream)?, header, &mut next_tree);
        self.unflushed.insert(header.stream, state);
        self.unflushed_entries += 1;
        self.checkpoint = Some(IndexCheckpoint {
            log_id,
            incarnation: header.incarnation,
            position: header.position,
            digest,
            next_tree,
        });
        Ok(())
    }

    /// Notes an order; trees that it destroys wholly are nobody's open tree any more.
    pub(crate) fn note_order(&mut self, order: LogPosition, ended_trees: &[u32]) {
        self.new_orders.push(order);
        self.undone.insert(order);
        self.ended_trees.extend_from_slice(ended_trees);
        for state in self.unflushed.values_mut() {
            if ended_trees.contains(&state.person_tree.0) {
                state.person_tree = TreeId::NONE;
            }
        }
    }

    /// Notes that an order was carried out.
    pub(crate) fn note_done(&mut self, order: LogPosition) {
        self.undone.remove(&order);
    }

    /// Notes the stubs in the entry at a position.
    pub(crate) fn note_stubs(&mut self, at: LogPosition, stubbed: &MessagesStubbed) {
        self.new_stubs.note(at, stubbed);
    }

    /// Looks for the entry that holds the stub of the message at a position.
    pub(crate) fn look_for_stub(&self, pdu: LogPosition) -> StubLook {
        self.new_stubs.look(&self.rows, pdu)
    }

    /// The latest jump of the clock that nobody has confirmed.
    pub(crate) fn unconfirmed_jump(&self) -> Option<LogPosition> {
        self.jump
    }

    /// Notes a jump of the clock.
    pub(crate) fn note_jump(&mut self, jump: LogPosition) {
        self.jump = Some(jump);
    }

    /// Notes that a jump, and with it all before it, was confirmed.
    pub(crate) fn note_confirmed(&mut self, jump: LogPosition) {
        self.jump = self.jump.filter(|known| *known > jump);
    }

    /// Flushes if enough has gathered. The bounds keep memory and the next start small (I10).
    pub(crate) fn flush_if_due(&mut self) -> Result<(), IndexFault> {
        let due = self.unflushed.len() >= UNFLUSHED_STREAMS_MAX
            || self.unflushed_entries >= UNFLUSHED_ENTRIES_MAX
            || self.new_stubs.is_full();
        if due { self.flush() } else { Ok(()) }
    }

    /// Writes rows and checkpoint in one batch, without fsync: a batch that a crash loses is
    /// replayed, and the journal loses no earlier one.
    pub(crate) fn flush(&mut self) -> Result<(), IndexFault> {
        let Some(checkpoint) = &self.checkpoint else {
            return Ok(());
        };
        let mut batch = self.database.batch();
        for (stream, state) in &self.unflushed {
            batch.insert(&self.rows, stream_key(*stream), state.encode());
        }
        for order in &self.new_orders {
            batch.insert(&self.rows, order_key(*order), Vec::<u8>::new());
        }
        for tree in &self.ended_trees {
            batch.insert(&self.rows, ended_key(TreeId(*tree)), Vec::<u8>::new());
        }
        self.new_stubs.put_into(&mut batch, &self.rows);
        let undone = self.undone.iter().flat_map(|order| order.0.to_be_bytes());
        batch.insert(&self.rows, UNDONE_KEY, undone.collect::<Vec<u8>>());
        match self.jump {
            Some(jump) => batch.insert(&self.rows, JUMP_KEY, jump.0.to_be_bytes().to_vec()),
            None => batch.remove(&self.rows, JUMP_KEY),
        }
        batch.insert(&self.rows, CHECKPOINT_KEY, checkpoint.encode());
        batch.commit()?;
        self.unflushed.clear();
        self.ended_trees.clear();
        self.new_orders.clear();
        self.new_stubs.flushed();
        self.unflushed_entries = 0;
        Ok(())
    }

    fn has_ended(&self, tree: TreeId) -> Result<bool, IndexFault> {
        Ok(self.ended_trees.contains(&tree.0) || self.rows.contains_key(ended_key(tree))?)
    }
}
