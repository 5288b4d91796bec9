//! Damage: what does not check and is not a torn last write.
//!
//! Owns the typed description of a fault on disk. Damage is refused, never mended: the operator
//! restores or cuts knowingly.

use std::fmt;

use facts::LogPosition;
use serde::Serialize;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// Neither a write header nor a footer stands where one must.
    WriteHeader,
    /// A write's length points past the end while valid writes follow, or its CRC does not hold.
    WriteBody,
    /// An entry frame inside a write whose CRC holds is malformed.
    EntryFrame,
    /// The digest, sequence or incarnation of the previous write does not match.
    Chain,
    /// Positions are not contiguous.
    Position,
    /// A stream's revisions are not contiguous.
    Revision,
    /// A segment's footer does not match the segment, or is missing in a closed one.
    Footer,
    /// A segment is missing, or its name does not match its content.
    Segment,
    /// A write of another log.
    LogId,
    /// Whole bytes of a format that this version of the program does not know.
    UnknownFormat,
    /// A part does not open under keys that are there.
    Seal,
}

/// One fault in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// File name of the segment.
    pub segment: String,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// The position that was expected there.
    pub position: LogPosition,
    /// What is wrong.
    pub kind: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "segment {} is damaged at offset {} (position {}): {:?}",
            self.segment, self.offset, self.position, self.kind
        )
    }
}
