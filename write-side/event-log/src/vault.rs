//! The keyring as the log uses it: orders to destroy count from the moment they are durable.
//!
//! Owns the list of key ranges that are ordered destroyed and not yet gone from the keyring.
//! Invariants: I6, I9 (time is handed in).

use facts::{EntryHeader, KeyEpoch, PartHeader, Timestamp, TreeId, fact};
use parking_lot::RwLock;

use crate::{KeyRange, Keyring, KeyringError, LeafKey, PartKeys, PartPlace};

/// Keyring and pending orders.
pub(crate) struct Vault {
    keyring: Keyring,
    ordered: RwLock<Vec<KeyRange>>,
    epoch_days: u32,
}

impl Vault {
    pub(crate) fn new(keyring: Keyring, epoch_days: u32) -> Self {
        Self {
            keyring,
            ordered: RwLock::default(),
            epoch_days,
        }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The epoch that seals what is recorded now. Opens the next one when the last is old, and
    /// returns only once that is durable.
    pub(crate) fn epoch(&self, now: Timestamp) -> Result<KeyEpoch, KeyringError> {
        if self.keyring.epoch_due(now, self.epoch_days) {
            return self.keyring.open_epoch(now);
        }
        Ok(self.keyring.epoch_for_sealing())
    }

    /// The key of a leaf; `None` if it is destroyed or ordered so.
    pub(crate) fn leaf(&self, epoch: KeyEpoch, tree: TreeId, leaf: u32) -> Option<LeafKey> {
        let ordered = self.ordered.read();
        if ordered.iter().any(|range| covers(range, epoch, tree, leaf)) {
            return None;
        }
        self.keyring.leaf(epoch, tree, leaf)
    }

    /// The keys of a stored part; `None` if one of its factors is destroyed.
    pub(crate) fn part_keys(
        &self,
        log_id: facts::LogId,
        header: &EntryHeader,
        part: &PartHeader,
        number: u8,
    ) -> Option<PartKeys> {
        let revision = u32::try_from(header.revision.0).ok()?;
        let stream = self.leaf(header.key_epoch, part.stream_tree, revision)?;
        let person = if part.person_tree.is_some() {
            let day = header.recorded_at.day();
            Some(self.leaf(header.key_epoch, part.person_tree, day)?)
        } else {
            None
        };
        let place = PartPlace {
            log_id,
            incarnation: header.incarnation,
            position: header.position,
            part: number,
        };
        Some(PartKeys::derive(&stream, person.as_ref(), &place))
    }

    /// From here on nothing in these ranges can be read.
    pub(crate) fn order(&self, ranges: &[KeyRange]) {
        self.ordered.write().extend_from_slice(ranges);
    }

    /// Destroys ordered ranges in the keyring; durable when it returns.
    pub(crate) fn destroy(
        &self,
        ranges: &[KeyRange],
        order: facts::LogPosition,
    ) -> Result<(), KeyringError> {
        self.keyring.destroy(ranges, order)?;
        let mut ordered = self.ordered.write();
        ordered.retain(|range| !ranges.contains(range));
        Ok(())
    }
}

fn covers(range: &KeyRange, epoch: KeyEpoch, tree: TreeId, leaf: u32) -> bool {
    range.tree == tree.0
        && (range.epoch_first..=range.epoch_last).contains(&epoch)
        && (range.leaf_first..=range.leaf_last).contains(&leaf)
}

/// The ranges of an order, as the keyring takes them.
pub(crate) fn key_ranges(ordered: &fact::ShredOrdered) -> Vec<KeyRange> {
    let ranges = ordered.ranges.iter().map(|range| KeyRange {
        epoch_first: range.epoch_first,
        epoch_last: range.epoch_last,
        tree: range.tree,
        leaf_first: range.leaf_first,
        leaf_last: range.leaf_last,
    });
    ranges.collect()
}

/// Trees that an order recorded in `epoch` destroys wholly: nobody goes on under them.
pub(crate) fn ended_trees(ordered: &fact::ShredOrdered, epoch: KeyEpoch) -> Vec<u32> {
    let whole = ordered.ranges.iter().filter(|range| {
        range.leaf_first == 0
            && range.leaf_last == u32::MAX
            && (range.epoch_first..=range.epoch_last).contains(&epoch)
    });
    whole.map(|range| range.tree).collect()
}
