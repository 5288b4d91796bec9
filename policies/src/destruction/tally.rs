//! What a run has done so far.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use commands::media::BlobFault;
use facts::{
    LogPosition,
    fact::{DestroyedRecords, KeyRange, RecordKind, ShredCause, SurfaceOutcome},
};

use super::{chunk::Due, has_copies};

/// Counts, orders, and what is still to be cleaned up.
#[derive(Debug)]
pub(super) struct Tally {
    /// The last entry that is judged.
    pub(super) until: LogPosition,
    /// The policy document of the last stretch.
    pub(super) policy_version: u64,
    /// Records that a hold or a floor keeps.
    pub(super) restricted: u64,
    /// Persons of whom such records are.
    pub(super) restricted_of: BTreeSet<String>,
    /// First and last order.
    pub(super) orders: Option<(LogPosition, LogPosition)>,
    /// How many.
    pub(super) orders_given: u64,
    /// What became of the files of media.
    pub(super) media: SurfaceOutcome,
    /// Trees whose ciphertext is to go.
    pub(super) trees: HashSet<u32>,
    destroyed: BTreeMap<(RecordKind, ShredCause), u64>,
    /// Views and folds can hold replaced values of what was destroyed.
    pub(super) copied: bool,
}

impl Tally {
    pub(super) fn new(until: LogPosition) -> Self {
        Self {
            until,
            policy_version: 0,
            restricted: 0,
            restricted_of: BTreeSet::new(),
            orders: None,
            orders_given: 0,
            media: SurfaceOutcome::NotApplicable,
            trees: HashSet::new(),
            destroyed: BTreeMap::new(),
            copied: false,
        }
    }

    /// The trees of an order that is about to be given.
    pub(super) fn trees(&mut self, ranges: &[KeyRange]) {
        self.trees.extend(ranges.iter().map(|range| range.tree));
    }

    /// An order was carried out on the keyring.
    pub(super) fn order(&mut self, at: LogPosition, records: &[DestroyedRecords]) {
        self.orders = Some((self.orders.map_or(at, |(first, _)| first), at));
        self.orders_given += 1;
        self.count(records);
    }

    /// An order of an earlier run that has no receipt, the latest first.
    pub(super) fn earlier_order(&mut self, at: LogPosition, records: &[DestroyedRecords]) {
        self.orders = Some((at, self.orders.map_or(at, |(_, last)| last)));
        self.orders_given += 1;
        self.count(records);
        // Whether its records were copied is not remembered: where it is possible, it is assumed.
        self.copied |= records.iter().any(|of| of.kind == RecordKind::Account);
    }

    fn count(&mut self, records: &[DestroyedRecords]) {
        for DestroyedRecords { kind, cause, records } in records {
            *self.destroyed.entry((*kind, *cause)).or_default() += records;
        }
    }

    /// A file of a medium was removed, or was not.
    pub(super) fn file(&mut self, removed: Result<(), BlobFault>) {
        if let Err(error) = removed {
            tracing::error!(%error, "a file of a destroyed medium was not removed; its key is gone");
            self.media = SurfaceOutcome::Failed;
        } else if self.media == SurfaceOutcome::NotApplicable {
            self.media = SurfaceOutcome::Done;
        }
    }

    /// A stretch is done: what it keeps although it is over.
    pub(super) fn restricted(&mut self, records: u64, of: BTreeSet<String>) {
        self.restricted += records;
        self.restricted_of.extend(of);
    }

    /// What was destroyed, for the receipt.
    pub(super) fn destroyed(&self) -> Vec<DestroyedRecords> {
        let counts = self.destroyed.iter();
        counts
            .map(|((kind, cause), records)| DestroyedRecords {
                kind: *kind,
                cause: *cause,
                records: *records,
            })
            .collect()
    }

    /// Whether views and folds can still hold replaced values of what was destroyed.
    pub(super) fn has_copies(&self) -> bool {
        self.copied || self.destroyed.keys().any(|(kind, cause)| has_copies(*kind, *cause))
    }
}

impl Due {
    /// What it takes, as an order says it.
    pub(super) fn records(&self, cause: ShredCause) -> Vec<DestroyedRecords> {
        let counts = self.destroyed.iter();
        counts
            .map(|(kind, records)| DestroyedRecords { kind: *kind, cause, records: *records })
            .collect()
    }
}
