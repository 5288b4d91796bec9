//! Facts that the log states of itself, all in stream 0.
//!
//! Owns `LogOpened`, `LogForked`, the destruction facts, those about the clock and the ledger's
//! keys. None holds a person's text; none is ever destroyed.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::{KeyEpoch, LogId, LogPosition, Timestamp};

/// Position 0 of every log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOpened {
    /// Identity of the log.
    pub log_id: LogId,
    /// The one Matrix server name whose truth this log holds.
    pub server_name: String,
    /// Format version of writes and entries.
    pub format: u16,
}
one_part_fact!(LogOpened = 1, Control, personal: false);

/// Why a log went on from an older copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkReason {
    /// The data directory was restored from a backup.
    Restore,
    /// An operator cut the log's end.
    OperatorCut,
}

/// The log goes on from an older copy; raises the incarnation. The first entry of the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogForked {
    /// The last entry that was kept.
    pub old_head: LogPosition,
    /// Digest of that entry.
    #[serde(with = "serde_bytes")]
    pub old_digest: [u8; 32],
    /// Why.
    pub reason: ForkReason,
}
one_part_fact!(LogForked = 2, Control, personal: false);

/// A range of leaves of one tree, in a range of epochs; all bounds inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyRange {
    /// First epoch.
    pub epoch_first: KeyEpoch,
    /// Last epoch; epochs that are not open yet are not touched.
    pub epoch_last: KeyEpoch,
    /// The tree.
    pub tree: u32,
    /// First leaf.
    pub leaf_first: u32,
    /// Last leaf.
    pub leaf_last: u32,
}

impl KeyRange {
    /// True if no bound is before its counterpart. Anything else is refused, never taken for an
    /// empty range: a destruction that destroys nothing must not look done.
    pub fn is_ordered(&self) -> bool {
        self.epoch_first <= self.epoch_last && self.leaf_first <= self.leaf_last
    }

    /// True if this leaf is in the range.
    pub fn covers(&self, epoch: KeyEpoch, tree: u32, leaf: u32) -> bool {
        self.tree == tree
            && (self.epoch_first..=self.epoch_last).contains(&epoch)
            && (self.leaf_first..=self.leaf_last).contains(&leaf)
    }
}

/// What a destruction serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShredCause {
    /// A retention ceiling was reached.
    Retention,
    /// The original of a redacted event reached the end of its time.
    Redaction,
    /// A person's records are erased.
    Erasure,
    /// A newer value replaced it.
    Superseded,
    /// The device has acknowledged it.
    Acknowledged,
    /// A room is purged.
    RoomPurge,
}

/// Keys are to be destroyed. From here on reads refuse what they open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShredOrdered {
    /// What to destroy.
    pub ranges: Vec<KeyRange>,
    /// Why.
    pub cause: ShredCause,
}
one_part_fact!(ShredOrdered = 3, Control, personal: false);

/// A place where a copy of destroyed text could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShredSurface {
    /// The keyring.
    Keyring,
    /// Derived keys in memory.
    KeyCaches,
    /// Ciphertext in segments.
    Segments,
    /// Copied values in views.
    Views,
    /// Search terms.
    Search,
    /// Media files.
    Media,
    /// Copied values in the folds that decisions are made on.
    Folds,
    /// The order itself, in the off-site copy, so that nothing restored from there escapes it.
    Offsite,
}

/// What became of one surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceOutcome {
    /// Nothing is left there.
    Done,
    /// The surface does not hold such records.
    NotApplicable,
    /// Deferred: keys are gone, bytes go when the segment closes.
    Pending,
    /// It failed; a later run tries again.
    Failed,
}

/// One surface with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurfaceReport {
    /// Where.
    pub surface: ShredSurface,
    /// What became of it.
    pub outcome: SurfaceOutcome,
}

/// A destruction was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShredDone {
    /// Position of the order.
    pub order: LogPosition,
    /// Outcome of each surface.
    pub reports: Vec<SurfaceReport>,
}
one_part_fact!(ShredDone = 4, Control, personal: false);

/// The clock jumped forward by more than an hour; pauses destroying runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockJumped {
    /// Recorded time of the entry before.
    pub from: Timestamp,
    /// The clock's time now.
    pub to: Timestamp,
}
one_part_fact!(ClockJumped = 5, Control, personal: false);

/// An operator has looked at a jump of the clock: destroying runs may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockConfirmed {
    /// Position of the latest `ClockJumped` that is confirmed; earlier ones are too.
    pub jump: LogPosition,
}
one_part_fact!(ClockConfirmed = 6, Control, personal: false);

/// From here on checkpoints of the ledger are signed by this key. Stated at the first start, at a
/// rotation, and once more in each incarnation, whose checkpoints have another key name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerKeySet {
    /// Name of the key in signatures: the origin line of the checkpoints.
    pub key_name: String,
    /// Ed25519 public key (RFC 8032).
    #[serde(with = "serde_bytes")]
    pub public_key: [u8; 32],
    /// Signature of the key before over the new one, so that whoever trusts that one can go on;
    /// absent for the first key, and where the key before was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsement: Option<KeyEndorsement>,
}
one_part_fact!(LedgerKeySet = 7, Control, personal: false);

/// The word of a signing key for its successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEndorsement {
    /// Name of the endorsing key.
    pub key_name: String,
    /// The endorsing public key.
    #[serde(with = "serde_bytes")]
    pub public_key: [u8; 32],
    /// Its Ed25519 signature; `docs/log-format.md` says over what.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}
