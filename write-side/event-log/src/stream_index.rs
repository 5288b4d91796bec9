//! The index of streams: head revision, key trees, the person's open tree.
//!
//! Owns `<data_dir>/log/index/`, deletable and rebuilt from the log's headers. It holds durable
//! entries only; the writer's view of what is still on its way is in `assign.rs`, and both apply
//! headers through [`StreamState::apply`] (I7). Rows and checkpoint commit together (I5).
//!
//! A person's tree is opened only by an entry in the person's own stream, and numbers count up,
//! so a header whose person tree is new belongs to the stream's own person: headers are enough.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::Path,
};

use facts::{
    EntryHeader, Incarnation, LogId, LogPosition, RecordClass, Revision, StreamId, TreeId,
};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use crate::{Digest, fields::Fields};

/// Changed streams kept before they are written to the store.
pub const UNFLUSHED_STREAMS_MAX: usize = 20_000;
/// Entries applied before the checkpoint is moved, so that a start replays no more than these.
pub const UNFLUSHED_ENTRIES_MAX: u64 = 50_000;
/// Bytes of the index's block cache.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// Its memtable is flushed at this size.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
/// Tree numbers skipped by a fork: the branch that was given up may have used and destroyed them.
const FORK_TREE_GAP: u32 = 1 << 16;
/// Changes whenever a row's layout does; an index of another layout is dropped.
const LAYOUT: u16 = 2;

const CHECKPOINT_KEY: &[u8] = b"c";
const UNDONE_KEY: &[u8] = b"u";
const JUMP_KEY: &[u8] = b"j";

/// What the log knows of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamState {
    pub(crate) head: Revision,
    /// Incarnation of the stream trees below; a new incarnation opens new ones.
    pub(crate) incarnation: Incarnation,
    /// The open tree of the person whose own stream this is.
    pub(crate) person_tree: TreeId,
    /// Stream trees by class, in order of first use.
    pub(crate) trees: Vec<(RecordClass, TreeId)>,
}

impl StreamState {
    /// The stream's tree for a class in this incarnation.
    pub(crate) fn tree(&self, class: RecordClass, incarnation: Incarnation) -> Option<TreeId> {
        if self.incarnation != incarnation {
            return None;
        }
        let found = self.trees.iter().find(|(known, _)| *known == class);
        found.map(|(_, tree)| *tree)
    }

    /// Brings the state of a stream past one of its entries; `next_tree` counts tree numbers.
    pub(crate) fn apply(state: Option<Self>, header: &EntryHeader, next_tree: &mut u32) -> Self {
        let mut state = state.unwrap_or(Self {
            head: header.revision,
            incarnation: header.incarnation,
            person_tree: TreeId::NONE,
            trees: Vec::new(),
        });
        state.head = header.revision;
        if state.incarnation != header.incarnation {
            state.incarnation = header.incarnation;
            state.trees.clear();
        }
        for part in &header.parts {
            if state.tree(part.class, header.incarnation).is_none() {
                state.trees.push((part.class, part.stream_tree));
            }
            *next_tree = (*next_tree).max(part.stream_tree.0.saturating_add(1));
            if part.person_tree.0 >= *next_tree {
                state.person_tree = part.person_tree;
                *next_tree = part.person_tree.0.saturating_add(1);
            }
        }
        state
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.trees.len() * 5);
        out.extend_from_slice(&self.head.0.to_be_bytes());
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.person_tree.0.to_be_bytes());
        for (class, tree) in &self.trees {
            out.push(class.number());
            out.extend_from_slice(&tree.0.to_be_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let mut state = Self {
            head: Revision(fields.u64()?),
            incarnation: Incarnation(fields.u32()?),
            person_tree: TreeId(fields.u32()?),
            trees: Vec::new(),
        };
        while !fields.is_empty() {
            let [class] = fields.array()?;
            let class = RecordClass::from_number(class)?;
            state.trees.push((class, TreeId(fields.u32()?)));
        }
        Some(state)
    }
}

/// How tree numbers go on when the incarnation is raised.
pub(crate) fn tree_after_fork(next_tree: u32) -> u32 {
    next_tree.saturating_add(FORK_TREE_GAP)
}

/// Up to where the index holds the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexCheckpoint {
    pub(crate) log_id: LogId,
    pub(crate) incarnation: Incarnation,
    pub(crate) position: LogPosition,
    pub(crate) digest: Digest,
    pub(crate) next_tree: u32,
}

impl IndexCheckpoint {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(66);
        out.extend_from_slice(&LAYOUT.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.position.0.to_be_bytes());
        out.extend_from_slice(&self.digest);
        out.extend_from_slice(&self.next_tree.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        if fields.u16()? != LAYOUT {
            return None;
        }
        Some(Self {
            log_id: LogId(fields.array()?),
            incarnation: Incarnation(fields.u32()?),
            position: LogPosition(fields.u64()?),
            digest: fields.array()?,
            next_tree: fields.u32()?,
        })
    }
}

/// The index could not be read or written. It can be deleted and rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// The store misbehaves.
    #[error("the index of streams could not be used")]
    Store(#[from] fjall::Error),
    /// Its directory could not be cleared.
    #[error("the index of streams could not be cleared")]
    Clear(#[from] io::Error),
    /// A row does not have its layout.
    #[error("a row of the index of streams is malformed; delete the index and start again")]
    Row,
}

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
            KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES)
        })?;
        let mut index = Self {
            database,
            rows,
            unflushed: HashMap::new(),
            unflushed_entries: 0,
            new_orders: Vec::new(),
            undone: BTreeSet::new(),
            ended_trees: Vec::new(),
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
            || self.unflushed_entries >= UNFLUSHED_ENTRIES_MAX;
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
        self.unflushed_entries = 0;
        Ok(())
    }

    fn has_ended(&self, tree: TreeId) -> Result<bool, IndexFault> {
        Ok(self.ended_trees.contains(&tree.0) || self.rows.contains_key(ended_key(tree))?)
    }
}

fn stream_key(stream: StreamId) -> Vec<u8> {
    let mut key = vec![b's'];
    key.extend_from_slice(&stream.0.to_be_bytes());
    key
}

fn order_key(order: LogPosition) -> Vec<u8> {
    let mut key = vec![b'o'];
    key.extend_from_slice(&order.0.to_be_bytes());
    key
}

fn ended_key(tree: TreeId) -> Vec<u8> {
    let mut key = vec![b't'];
    key.extend_from_slice(&tree.0.to_be_bytes());
    key
}
