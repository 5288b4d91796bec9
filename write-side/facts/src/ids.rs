//! Numbers and names by which the log speaks of itself.
//!
//! Owns the newtypes of positions, revisions, streams, trees, epochs, incarnations and time.
//! Invariants: I4 (positions are contiguous and order everything; time orders nothing).
//! Never reads a clock: a `Timestamp` is always handed in.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Gapless global index of an entry; 0 is `LogOpened`.
    LogPosition(u64)
}
number! {
    /// Position of an entry within its stream; 0 is the stream's first entry.
    Revision(u64)
}
number! {
    /// Number of a stream: the position of its first entry. Stream 0 is the log's own.
    StreamId(u64)
}
number! {
    /// Number of a key tree, given at the tree's first use; 0 means "no tree".
    TreeId(u32)
}
number! {
    /// Number of a key epoch; the first is 1.
    KeyEpoch(u32)
}
number! {
    /// Raised whenever the log goes on from an older copy; the first is 1.
    Incarnation(u32)
}
number! {
    /// Milliseconds since the Unix epoch, UTC.
    Timestamp(u64)
}

/// Milliseconds in a day, the unit of a person's key tree.
const DAY_MS: u64 = 86_400_000;

impl LogPosition {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Timestamp {
    /// Days since the Unix epoch, UTC: the leaf of a person's tree that holds this instant.
    ///
    /// The largest day is used for instants past the year 11 million.
    pub fn day(self) -> u32 {
        u32::try_from(self.0 / DAY_MS).unwrap_or(u32::MAX)
    }
}

impl TreeId {
    /// "No tree".
    pub const NONE: Self = Self(0);

    /// True where a tree is named.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// Random 128-bit identity of a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(#[serde(with = "serde_bytes")] pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

/// A position named from inside a fact.
///
/// A fact may name entries of its own batch, whose positions are given only when the batch is
/// appended. In CBOR an integer: `n >= 0` is the absolute position n, `-1 - k` is the k-th
/// entry of the batch in which the naming entry stands (the header's `batch` plus k).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub enum EntryRef {
    /// An entry that already has a position.
    At(LogPosition),
    /// The k-th entry of the same batch, counted from 0.
    InBatch(u32),
}

impl EntryRef {
    /// The absolute position, given the `batch` field of the entry that holds this reference.
    pub fn resolve(self, batch: LogPosition) -> LogPosition {
        match self {
            Self::At(position) => position,
            Self::InBatch(k) => LogPosition(batch.0.saturating_add(u64::from(k))),
        }
    }
}

impl From<i64> for EntryRef {
    fn from(n: i64) -> Self {
        match u64::try_from(n) {
            Ok(position) => Self::At(LogPosition(position)),
            // A batch never holds 2^32 entries; an absurd index resolves to a position that
            // no reader finds.
            Err(_) => Self::InBatch(u32::try_from(-1 - n).unwrap_or(u32::MAX)),
        }
    }
}

impl From<EntryRef> for i64 {
    fn from(entry: EntryRef) -> Self {
        match entry {
            EntryRef::At(position) => i64::try_from(position.0).unwrap_or(i64::MAX),
            EntryRef::InBatch(k) => -1 - i64::from(k),
        }
    }
}

impl From<LogPosition> for EntryRef {
    fn from(position: LogPosition) -> Self {
        Self::At(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_refs_survive_their_integer_form() {
        for entry in [
            EntryRef::At(LogPosition(0)),
            EntryRef::At(LogPosition(7)),
            EntryRef::InBatch(0),
            EntryRef::InBatch(999),
        ] {
            assert_eq!(EntryRef::from(i64::from(entry)), entry);
        }
        assert_eq!(EntryRef::InBatch(2).resolve(LogPosition(40)), LogPosition(42));
    }

    #[test]
    fn days_start_at_midnight_utc() {
        assert_eq!(Timestamp(DAY_MS - 1).day(), 0);
        assert_eq!(Timestamp(DAY_MS).day(), 1);
    }
}
