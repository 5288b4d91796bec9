//! Giving positions: from drafts to headers and keys, under the writer's one short lock.
//!
//! Owns position, revision, tree number and recorded-at of everything that is on its way, and a
//! bounded cache of stream states in front of the index. A refusal changes nothing.
//! Invariants: I4 (contiguous, one place), I10. Never writes, never seals.

mod plan;

use std::collections::HashMap;

use facts::{Batch, Incarnation, KeyEpoch, LogPosition, StreamId, Timestamp, TreeId};
use parking_lot::Mutex;

pub(crate) use self::plan::{PlannedEntry, frame_bytes};
use crate::{
    AppendRefusal, KeyRange, LeafKey,
    stream_index::{StreamIndex, StreamState, tree_after_fork},
    vault::Vault,
};

/// Stream states kept in memory; those that are not durable yet are kept whatever their number,
/// which the queue bounds.
pub const RECENT_STREAMS_MAX: usize = 100_000;

struct Recent {
    state: StreamState,
    changed_at: LogPosition,
}

/// The writer's view of the log, ahead of what is durable.
pub(crate) struct Assigner {
    incarnation: Incarnation,
    next: LogPosition,
    last_recorded: Timestamp,
    next_tree: u32,
    recent: HashMap<StreamId, Recent>,
    /// Ranges of orders that have a position and are not durable yet: nothing more is sealed
    /// under them, for it would be destroyed with the rest.
    ending: Vec<KeyRange>,
}

/// What giving positions looks things up in.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    pub(crate) index: &'a Mutex<StreamIndex>,
    pub(crate) vault: &'a Vault,
    /// Everything up to here is in the index.
    pub(crate) indexed: Option<LogPosition>,
}

impl Assigner {
    /// Goes on after the last durable entry.
    pub(crate) fn new(
        incarnation: Incarnation,
        next: LogPosition,
        last_recorded: Timestamp,
        next_tree: u32,
    ) -> Self {
        Self {
            incarnation,
            next,
            last_recorded,
            next_tree,
            recent: HashMap::new(),
            ending: Vec::new(),
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub(crate) fn next(&self) -> LogPosition {
        self.next
    }

    /// The time that an entry recorded now carries: never before the previous one's.
    pub(crate) fn recorded_at(&self, now: Timestamp) -> Timestamp {
        now.max(self.last_recorded)
    }

    /// Raises the incarnation; the next entry must be `LogForked`.
    pub(crate) fn fork(&mut self) {
        self.incarnation = Incarnation(self.incarnation.0 + 1);
        self.next_tree = tree_after_fork(self.next_tree);
    }

    /// Incarnation and tree counter, to go back to when a fork is refused.
    pub(crate) fn numbering(&self) -> (Incarnation, u32) {
        (self.incarnation, self.next_tree)
    }

    /// Takes back a fork whose entry was refused.
    pub(crate) fn restore(&mut self, numbering: (Incarnation, u32)) {
        (self.incarnation, self.next_tree) = numbering;
    }

    /// The time that the last entry carries.
    pub(crate) fn last_recorded(&self) -> Timestamp {
        self.last_recorded
    }

    /// An order to destroy these ranges has its position.
    pub(crate) fn begin_ending(&mut self, ranges: &[KeyRange]) {
        self.ending.extend_from_slice(ranges);
    }

    /// The order of these ranges is durable, and the vault refuses them: what is pending is over.
    /// The index knows of the trees that it ends.
    pub(crate) fn end_trees(&mut self, ranges: &[KeyRange], ended: &[u32]) {
        self.ending.retain(|range| !ranges.contains(range));
        for recent in self.recent.values_mut() {
            if ended.contains(&recent.state.person_tree.0) {
                recent.state.person_tree = facts::TreeId::NONE;
            }
        }
    }

    /// Gives every draft its header and keys. All or nothing.
    pub(crate) fn assign(
        &mut self,
        batch: Batch,
        now: Timestamp,
        epoch: KeyEpoch,
        lookup: Lookup<'_>,
    ) -> Result<Vec<PlannedEntry>, AppendRefusal> {
        self.shed(lookup.indexed);
        let recorded_at = self.recorded_at(now);
        let mut plan = plan::Plan::new(self, lookup, recorded_at, epoch, &batch);
        plan.check_expectations(&batch.expects)?;
        let count = batch.drafts.len() as u64;
        let mut entries = Vec::with_capacity(batch.drafts.len());
        for (k, draft) in batch.drafts.into_iter().enumerate() {
            entries.push(plan.entry(k, draft)?);
        }
        let (staged, next_tree) = plan.finish();
        self.next = LogPosition(self.next.0 + count);
        self.last_recorded = recorded_at;
        self.next_tree = next_tree;
        let changed_at = LogPosition(self.next.0 - 1);
        for (stream, state) in staged {
            self.recent.insert(stream, Recent { state, changed_at });
        }
        Ok(entries)
    }

    /// The key of a leaf for sealing; `None` if it is destroyed, or an order on its way says so.
    fn leaf(
        &self,
        epoch: KeyEpoch,
        tree: TreeId,
        leaf: u32,
        lookup: Lookup<'_>,
    ) -> Option<LeafKey> {
        let ending = self.ending.iter().any(|range| range.covers(epoch, tree.0, leaf));
        if ending { None } else { lookup.vault.leaf(epoch, tree, leaf) }
    }

    fn state(
        &self,
        stream: StreamId,
        lookup: Lookup<'_>,
    ) -> Result<Option<StreamState>, AppendRefusal> {
        if let Some(recent) = self.recent.get(&stream) {
            return Ok(Some(recent.state.clone()));
        }
        Ok(lookup.index.lock().state(stream)?)
    }

    /// Drops states that the index has, once there are too many.
    fn shed(&mut self, indexed: Option<LogPosition>) {
        if self.recent.len() > RECENT_STREAMS_MAX
            && let Some(indexed) = indexed
        {
            self.recent.retain(|_, recent| recent.changed_at > indexed);
        }
    }
}
