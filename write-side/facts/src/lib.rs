//! Every durable format of Chancery: entry headers, facts and their versions.
//!
//! This crate knows shapes, not rules: it reaches no runtime, no store and no clock. Bytes that
//! it once wrote can be read for ever (golden files in `tests/golden`).

pub mod calendar;
mod draft;
pub mod fact;
mod header;
mod ids;
pub mod pdu;
mod record_class;

pub use draft::{BATCH_ENTRIES_MAX, Batch, ClearPart, Draft, ExpectedRevision, StreamRef};
pub use fact::{Fact, FactBody, FactError, Routing};
pub use header::{
    ENTRY_FORMAT, EntryHeader, HEADER_FIXED_BYTES, HEADER_PART_BYTES, HeaderError, PART_BYTES_MAX,
    PARTS_MAX, PartHeader, SUITE_1,
};
pub use ids::{
    EntryRef, Incarnation, KeyEpoch, LogId, LogPosition, Revision, StreamId, Timestamp, TreeId,
};
pub use record_class::RecordClass;
