//! Positions of entries that are decided and not yet appended.
//!
//! A decision of several facts works on a fold in which the batch's own entries stand at
//! provisional positions: [`PROVISIONAL`] plus their index in the batch. Where a fact names such a
//! position it is written as `EntryRef::InBatch`, so no provisional position reaches the log; the
//! real fold evolves afterwards, with the positions that the log gave.

use facts::{EntryRef, LogPosition};

/// Above every position that a log can hold.
pub(crate) const PROVISIONAL: LogPosition = LogPosition(1 << 62);

/// The provisional position of the `index`-th entry of the batch.
pub(crate) fn provisional(index: u32) -> LogPosition {
    EntryRef::InBatch(index).resolve(PROVISIONAL)
}

/// How a fact names `position`.
pub(crate) fn entry_ref(position: LogPosition) -> EntryRef {
    match position.0.checked_sub(PROVISIONAL.0) {
        Some(index) => EntryRef::InBatch(u32::try_from(index).unwrap_or(u32::MAX)),
        None => EntryRef::At(position),
    }
}
