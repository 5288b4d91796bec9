//! What a run of the policies destroyed.
//!
//! Owns the receipt and what orders leave for it. Orders and their reports are the log's own facts (`ShredOrdered`,
//! `ShredDone`); the receipt names them, says for whom they were given, and what became of every
//! place where a copy could be. It is an entry like any other, so its proof in the ledger is the
//! proof of the destruction. Holds no text and no name but the officer's who asked for the run.

use serde::{Deserialize, Serialize};

use super::{Act, RecordKind, ShredCause, SurfaceReport, one_part_fact};
use crate::{EntryRef, LogPosition, Timestamp};

/// Records of one kind that went for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyedRecords {
    /// What they were.
    pub kind: RecordKind,
    /// Why they went.
    pub cause: ShredCause,
    /// How many.
    pub records: u64,
}

/// What an order of a run takes: in the order's batch, so that a run which is broken off leaves to
/// the next one what the receipt has to say, and which files are still to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShredContents {
    /// The order.
    pub order: EntryRef,
    /// What it destroys.
    pub records: Vec<DestroyedRecords>,
    /// Files of media whose keys it destroys.
    pub files: Vec<String>,
}
one_part_fact!(ShredContents = 9, Control, personal: false);

/// A run is over, and this is its receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestructionRunEnded {
    /// The last entry that was judged; the run began at the log's first.
    pub judged_until: LogPosition,
    /// The policy document that was in force at the end; 0 for none.
    pub policy_version: u64,
    /// What was destroyed.
    pub destroyed: Vec<DestroyedRecords>,
    /// Records that a hold or a floor kept from being destroyed.
    pub restricted: u64,
    /// The first and the last order; `None` where nothing was to be destroyed.
    pub orders: Option<(LogPosition, LogPosition)>,
    /// How many orders were given.
    pub orders_given: u64,
    /// What became of each place where a copy could be.
    pub surfaces: Vec<SurfaceReport>,
    /// When the last backup of the keyring that could still open what was destroyed is gone.
    pub backups_gone_at: Option<Timestamp>,
    /// Who asked for the run; `None` for one that came by itself.
    pub by: Option<Act>,
}
one_part_fact!(DestructionRunEnded = 170, Governance, personal: false);
