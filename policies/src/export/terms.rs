//! What an export is of: the case, the scope, the stretch of the log.
//!
//! Owns the terms, which stand in the signed manifest, and how the stretch follows from a scope:
//! one entry more on each side where time bounds it, so that the headers themselves show that
//! nothing of the scope lies outside. Invariants: I4 (recorded time never goes back).

use event_log::ReadFault;
use facts::{
    EntryHeader, LogPosition,
    fact::{FactBody as _, PduRedacted, PduStored, ProfileFieldSet, ReceiptSet, Scope},
};
use serde::{Deserialize, Serialize};

use crate::scope_walk::{Record, ScopeFilter, first_of};

/// Types of facts that are exported: events, marks of redaction, profiles, receipts. What proves
/// who somebody is (passwords, tokens, keys) is in no export.
pub const EXPORTED: [u16; 4] =
    [PduStored::TYPE, PduRedacted::TYPE, ProfileFieldSet::TYPE, ReceiptSet::TYPE];

/// What an export is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The case that allows it.
    pub case: u64,
    /// What the case's two officers agreed on.
    pub scope: Scope,
    /// First position of the stretch.
    pub first: u64,
    /// The position after the last one: entries of the checkpoint's tree.
    pub end: u64,
    /// Types of facts that are shown.
    pub fact_types: Vec<u16>,
    /// Number of the policy document in force; 0 for none.
    pub policy_version: u64,
    /// SHA-256 of that document, in hexadecimal.
    pub policy_sha256: String,
    /// Roots of the perfect subtrees before the stretch, the largest first, in hexadecimal.
    pub before: Vec<String>,
}

impl Terms {
    /// Which entries are in the export.
    pub fn filter(&self) -> ScopeFilter {
        filter_of(&self.scope, &self.fact_types)
    }

    /// Whether nothing of the scope can stand before the stretch, as its first header shows.
    pub fn begins_right(&self, first: &EntryHeader) -> bool {
        let before = self.filter().from().is_some_and(|from| first.recorded_at < from);
        self.first == 0 || self.first <= opened(&self.scope) || before
    }

    /// Whether the scope's time is over at the end of the stretch, as its last header shows.
    pub fn is_over(&self, last: &EntryHeader) -> bool {
        self.filter().ends_before(last.recorded_at)
    }
}

/// Which entries of a scope are exported.
pub fn filter_of(scope: &Scope, types: &[u16]) -> ScopeFilter {
    ScopeFilter::of(scope).only(types).with_receipts(scope)
}

/// The stretch of a scope in a log of `size` entries: first position, and the one after the last.
/// Blocks on disk.
pub fn stretch_of(
    record: &dyn Record,
    scope: &Scope,
    size: u64,
) -> Result<(LogPosition, LogPosition), ReadFault> {
    let by_time = first_of(record, scope.from)?.0.saturating_sub(1);
    let first = by_time.max(opened(scope)).min(size.saturating_sub(1));
    let end = match scope.until {
        // The entry at which the time is over belongs to the stretch; it is shown by its header.
        Some(until) => (first_of(record, Some(until))?.0 + 1).min(size),
        None => size,
    };
    Ok((LogPosition(first), LogPosition(end.max(first + 1))))
}

/// Nothing of a room stands before the entry that opened its stream, whose position is the
/// stream's number. 0 where the scope names no rooms.
fn opened(scope: &Scope) -> u64 {
    scope.rooms.iter().map(|room| room.stream.0).min().unwrap_or(0)
}
