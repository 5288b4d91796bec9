//! One batch on its way to positions: staged changes that are kept only if all drafts pass.
//!
//! Owns the rules of references inside a batch, of stream trees and of persons' trees
//! (LOG.md section 5).

use std::collections::HashMap;

use facts::{
    BATCH_ENTRIES_MAX, Batch, ClearPart, Draft, EntryHeader, ExpectedRevision, KeyEpoch,
    LogPosition, PART_BYTES_MAX, PARTS_MAX, PartHeader, Revision, StreamId, StreamRef, Timestamp,
    TreeId,
};

use super::{Assigner, Lookup};
use crate::{AppendRefusal, LeafKey, stream_index::StreamState};

/// Destroyed tree numbers passed over for one new tree.
const TREES_PASSED_OVER_MAX: u32 = 1 << 16;

/// A part with the keys that will seal it.
pub(crate) struct PlannedPart {
    pub(crate) clear: Vec<u8>,
    pub(crate) stream_leaf: LeafKey,
    pub(crate) person_leaf: Option<LeafKey>,
}

/// An entry with a position; its commitments are still zero.
pub(crate) struct PlannedEntry {
    pub(crate) header: EntryHeader,
    pub(crate) parts: Vec<PlannedPart>,
}

/// The staged batch.
pub(super) struct Plan<'a> {
    assigner: &'a Assigner,
    lookup: Lookup<'a>,
    recorded_at: Timestamp,
    epoch: KeyEpoch,
    /// For each draft whether it opens a stream.
    opens: Vec<bool>,
    count: usize,
    staged: HashMap<StreamId, StreamState>,
    next_tree: u32,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        assigner: &'a Assigner,
        lookup: Lookup<'a>,
        recorded_at: Timestamp,
        epoch: KeyEpoch,
        batch: &Batch,
    ) -> Self {
        let opens = batch.drafts.iter().enumerate().map(
            |(k, draft)| matches!(draft.stream, StreamRef::OpenedBy(own) if own as usize == k),
        );
        Self {
            assigner,
            lookup,
            recorded_at,
            epoch,
            opens: opens.collect(),
            count: batch.drafts.len(),
            staged: HashMap::new(),
            next_tree: assigner.next_tree,
        }
    }

    pub(super) fn check_expectations(
        &self,
        expects: &[(StreamId, ExpectedRevision)],
    ) -> Result<(), AppendRefusal> {
        for (stream, expected) in expects {
            let actual = self.state(*stream)?.map(|state| state.head);
            let holds = match expected {
                ExpectedRevision::Any => true,
                ExpectedRevision::Exactly(revision) => actual == Some(*revision),
            };
            if !holds {
                return Err(AppendRefusal::RevisionMoved {
                    stream: *stream,
                    expected: *expected,
                    actual,
                });
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (HashMap<StreamId, StreamState>, u32) {
        (self.staged, self.next_tree)
    }

    /// The k-th draft as an entry.
    pub(super) fn entry(&mut self, k: usize, draft: Draft) -> Result<PlannedEntry, AppendRefusal> {
        let stream = self.stream(k, draft.stream)?;
        let state = self.state(stream)?;
        if state.is_none() && !self.opens[k] {
            return Err(AppendRefusal::UnknownStream(stream));
        }
        let mut header = EntryHeader {
            position: self.position(k),
            stream,
            revision: state.as_ref().map_or(Revision(0), |state| state.head.next()),
            incarnation: self.assigner.incarnation,
            fact_type: draft.fact_type,
            fact_version: draft.fact_version,
            recorded_at: self.recorded_at,
            key_epoch: self.epoch,
            batch: self.assigner.next,
            actor: self.known_stream(k, draft.actor)?,
            cause: self.cause(k, draft.cause)?,
            parts: Vec::with_capacity(draft.parts.len()),
        };
        let mut parts = Vec::with_capacity(draft.parts.len());
        let mut counter = self.next_tree;
        for part in draft.parts {
            let described = self.part(k, &header, state.as_ref(), &part, &mut counter)?;
            header.parts.push(described);
            parts.push(self.keys(k, &header, described, part.bytes)?);
        }
        let next = StreamState::apply(state, &header, &mut self.next_tree);
        debug_assert_eq!(self.next_tree, counter, "headers alone tell the tree counter");
        self.staged.insert(stream, next);
        Ok(PlannedEntry { header, parts })
    }

    fn part(
        &self,
        k: usize,
        header: &EntryHeader,
        state: Option<&StreamState>,
        part: &ClearPart,
        counter: &mut u32,
    ) -> Result<PartHeader, AppendRefusal> {
        let incarnation = header.incarnation;
        let earlier = header.parts.iter().find(|known| known.class == part.class);
        let stream_tree = state
            .and_then(|state| state.tree(part.class, incarnation))
            .or(earlier.map(|known| known.stream_tree))
            .map_or_else(|| self.fresh_tree(k, counter, stream_leaf(k, header)?), Ok)?;
        let person_tree = match part.person {
            None => TreeId::NONE,
            Some(person) => {
                let person = self.known_stream(k, person)?;
                self.person_tree(k, header, state, person, counter)?
            }
        };
        Ok(PartHeader {
            class: part.class,
            stream_tree,
            person_tree,
            length: u32::try_from(part.bytes.len()).map_err(|_| AppendRefusal::TooLarge)?,
            commitment: [0; 32],
        })
    }

    fn person_tree(
        &self,
        k: usize,
        header: &EntryHeader,
        own_state: Option<&StreamState>,
        person: StreamId,
        counter: &mut u32,
    ) -> Result<TreeId, AppendRefusal> {
        let is_own = person == header.stream;
        let opened_here = header
            .parts
            .iter()
            .map(|part| part.person_tree)
            .find(|tree| is_own && tree.0 >= self.next_tree);
        if let Some(tree) = opened_here {
            return Ok(tree);
        }
        let open = if is_own {
            own_state.map(|state| state.person_tree)
        } else {
            self.state(person)?.map(|state| state.person_tree)
        };
        let day = self.recorded_at.day();
        let usable = open.filter(|tree| tree.is_some() && self.leaf(*tree, day).is_some());
        match usable {
            Some(tree) => Ok(tree),
            None if is_own => self.fresh_tree(k, counter, day),
            None => Err(AppendRefusal::NoPersonTree(person)),
        }
    }

    fn keys(
        &self,
        k: usize,
        header: &EntryHeader,
        part: PartHeader,
        clear: Vec<u8>,
    ) -> Result<PlannedPart, AppendRefusal> {
        let leaf = stream_leaf(k, header)?;
        let destroyed = || AppendRefusal::KeyDestroyed(k);
        let person_leaf = if part.person_tree.is_some() {
            let leaf = self.leaf(part.person_tree, header.recorded_at.day());
            Some(leaf.ok_or_else(destroyed)?)
        } else {
            None
        };
        Ok(PlannedPart {
            clear,
            stream_leaf: self.leaf(part.stream_tree, leaf).ok_or_else(destroyed)?,
            person_leaf,
        })
    }

    fn leaf(&self, tree: TreeId, leaf: u32) -> Option<LeafKey> {
        self.assigner.leaf(self.epoch, tree, leaf, self.lookup)
    }

    /// The next tree number whose leaf is not destroyed. After a fork the branch that was given
    /// up may have used and destroyed numbers beyond the gap: those are passed over.
    fn fresh_tree(&self, k: usize, counter: &mut u32, leaf: u32) -> Result<TreeId, AppendRefusal> {
        for _ in 0..TREES_PASSED_OVER_MAX {
            let tree = take_number(k, counter)?;
            if self.leaf(tree, leaf).is_some() {
                return Ok(tree);
            }
        }
        Err(AppendRefusal::KeyDestroyed(k))
    }

    fn position(&self, k: usize) -> LogPosition {
        LogPosition(self.assigner.next.0 + k as u64)
    }

    fn stream(&self, k: usize, stream: StreamRef) -> Result<StreamId, AppendRefusal> {
        match stream {
            StreamRef::Existing(stream) => Ok(stream),
            StreamRef::OpenedBy(opener) => {
                let opener = opener as usize;
                if opener > k || !self.opens.get(opener).copied().unwrap_or(false) {
                    return Err(AppendRefusal::BadReference(k));
                }
                Ok(StreamId(self.position(opener).0))
            }
        }
    }

    /// A stream that exists, or that this very draft opens.
    fn known_stream(&self, k: usize, stream: StreamRef) -> Result<StreamId, AppendRefusal> {
        let id = self.stream(k, stream)?;
        let opened_by_this = self.opens[k] && id.0 == self.position(k).0;
        if !opened_by_this && self.state(id)?.is_none() && stream != StreamRef::LOG {
            return Err(AppendRefusal::UnknownStream(id));
        }
        Ok(id)
    }

    fn cause(
        &self,
        k: usize,
        cause: Option<facts::EntryRef>,
    ) -> Result<LogPosition, AppendRefusal> {
        let Some(cause) = cause else {
            return Ok(LogPosition(0));
        };
        let position = cause.resolve(self.assigner.next);
        let end = LogPosition(self.assigner.next.0 + self.count as u64);
        if position >= end {
            return Err(AppendRefusal::BadReference(k));
        }
        Ok(position)
    }

    fn state(&self, stream: StreamId) -> Result<Option<StreamState>, AppendRefusal> {
        match self.staged.get(&stream) {
            Some(state) => Ok(Some(state.clone())),
            None => self.assigner.state(stream, self.lookup),
        }
    }
}

/// Checks a batch's size; answers the bytes of its frames.
pub(crate) fn frame_bytes(batch: &Batch) -> Result<usize, AppendRefusal> {
    if batch.drafts.is_empty() {
        return Err(AppendRefusal::Empty);
    }
    let fits = batch.drafts.len() <= BATCH_ENTRIES_MAX
        && batch.drafts.iter().all(|draft| {
            draft.parts.len() <= PARTS_MAX
                && draft.parts.iter().all(|part| part.bytes.len() <= PART_BYTES_MAX)
        });
    let bytes = batch
        .drafts
        .iter()
        .map(|draft| crate::frame::sealed_frame_bytes(draft.parts.iter().map(|p| p.bytes.len())))
        .sum();
    if !fits || bytes > crate::BATCH_BYTES_MAX {
        return Err(AppendRefusal::TooLarge);
    }
    Ok(bytes)
}

/// The leaf of an entry in its stream's trees.
fn stream_leaf(k: usize, header: &EntryHeader) -> Result<u32, AppendRefusal> {
    u32::try_from(header.revision.0).map_err(|_| AppendRefusal::KeysExhausted(k))
}

fn take_number(k: usize, counter: &mut u32) -> Result<TreeId, AppendRefusal> {
    let tree = TreeId(*counter);
    *counter = counter.checked_add(1).ok_or(AppendRefusal::KeysExhausted(k))?;
    Ok(tree)
}
