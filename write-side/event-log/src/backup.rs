//! What a backup needs of the log's files, beside a running server or without one.
//!
//! Owns copying a segment up to a position, reading what an older copy must know of a newer one
//! (its orders to destroy), and the list of segments under whatever names they have.
//! Invariants: I6, I7 (everything is read through the scan that recovery uses). Appends nothing,
//! takes no lease; where copies go and how they are named is the caller's.

mod copy;
mod newer;

use std::{
    io,
    path::{Path, PathBuf},
};

use facts::LogPosition;

pub use self::{
    copy::{CopyFault, SegmentCopy, copy_segment},
    newer::{NewerError, NewerLog, NewerOrder, open_order, read_newer},
};
use crate::segment;

/// A segment and where its file is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentPath {
    /// Position of its first entry.
    pub first: LogPosition,
    /// Its file.
    pub path: PathBuf,
}

impl SegmentPath {
    /// Name of this segment's file in a data directory.
    pub fn file_name(&self) -> String {
        segment::file_name(self.first)
    }
}

/// The segments in a data directory, in order.
pub fn segment_paths(segments_dir: &Path) -> io::Result<Vec<SegmentPath>> {
    let firsts = segment::list(segments_dir)?;
    let place = |first| SegmentPath { first, path: segment::path(segments_dir, first) };
    Ok(firsts.into_iter().map(place).collect())
}
