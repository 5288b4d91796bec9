//! Segments: the files of the log.
//!
//! Owns names, listing and the layout of the directory `<data_dir>/log/segments/`.
//! A segment is named by the position of its first entry; the list sorted by name is the log.

pub(crate) mod beside;
pub(crate) mod footer;
pub(crate) mod freeing;
pub(crate) mod offsets;
pub(crate) mod scan;
pub(crate) mod scavenge;
pub(crate) mod shelf;
pub(crate) mod source;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use facts::LogPosition;

const EXTENSION: &str = ".seg";
const DIGITS: usize = 20;

/// File name of the segment whose first entry has this position.
pub(crate) fn file_name(first: LogPosition) -> String {
    format!("{:020}{EXTENSION}", first.0)
}

/// First position by a segment's file name; `None` for other files.
pub(crate) fn first_position(name: &str) -> Option<LogPosition> {
    let digits = name.strip_suffix(EXTENSION)?;
    (digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok().map(LogPosition))
        .flatten()
}

/// First positions of all segments in the directory, ascending.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<LogPosition>> {
    let mut firsts = Vec::new();
    for file in fs::read_dir(dir)? {
        firsts.extend(file?.file_name().to_str().and_then(first_position));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Path of a segment.
pub(crate) fn path(dir: &Path, first: LogPosition) -> PathBuf {
    dir.join(file_name(first))
}

/// Makes names in a directory durable. Without it a crash may forget a created or renamed file.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a closed segment read-only (0444).
pub(crate) fn make_read_only(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}
