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
            // An epoch a write would soon use them up.
            epoch_days: epoch_days.max(1),
        }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The epoch that seals what gets its position now. Waits for memory only.
    pub(crate) fn epoch(&self) -> KeyEpoch {
        self.keyring.epoch_for_sealing()
    }

    /// Opens the next epoch when the last is old, and returns only once that is durable.
    pub(crate) fn open_epoch_if_due(&self, now: Timestamp) -> Result<(), KeyringError> {
        if self.keyring.epoch_due(now, self.epoch_days) {
            self.keyring.open_epoch(now)?;
        }
        Ok(())
    }

    /// The key of a leaf; `None` if it is destroyed or ordered so.
    pub(crate) fn leaf(&self, epoch: KeyEpoch, tree: TreeId, leaf: u32) -> Option<LeafKey> {
        let ordered = self.ordered.read();
        if ordered.iter().any(|range| range.covers(epoch, tree.0, leaf)) {
            return None;
        }
        self.keyring.leaf(epoch, tree, leaf)
    }

    /// True where one of a part's factors is destroyed, or ordered so.
    pub(crate) fn is_gone(&self, header: &EntryHeader, part: &PartHeader) -> bool {
        self.leaves(header, part).is_none()
    }

    fn leaves(
        &self,
        header: &EntryHeader,
        part: &PartHeader,
    ) -> Option<(LeafKey, Option<LeafKey>)> {
        let revision = u32::try_from(header.revision.0).ok()?;
        let stream = self.leaf(header.key_epoch, part.stream_tree, revision)?;
        if !part.person_tree.is_some() {
            return Some((stream, None));
        }
        let day = header.recorded_at.day();
        let person = self.leaf(header.key_epoch, part.person_tree, day)?;
        Some((stream, Some(person)))
    }

    /// The keys of a stored part; `None` if one of its factors is destroyed.
    pub(crate) fn part_keys(
        &self,
        log_id: facts::LogId,
        header: &EntryHeader,
        part: &PartHeader,
        number: u8,
    ) -> Option<PartKeys> {
        let (stream, person) = self.leaves(header, part)?;
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

/// Trees that an order recorded in `epoch` destroys wholly: nobody goes on under them.
pub(crate) fn ended_trees(ordered: &fact::ShredOrdered, epoch: KeyEpoch) -> Vec<u32> {
    let whole = ordered.ranges.iter().filter(|range| {
        range.leaf_first == 0
            && range.leaf_last == u32::MAX
            && (range.epoch_first..=range.epoch_last).contains(&epoch)
    });
    whole.map(|range| range.tree).collect()
}
