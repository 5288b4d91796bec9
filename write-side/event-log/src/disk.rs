//! The few disk operations on which durability rests, as a trait, so that tests can fail them.
//!
//! Owns writing and syncing of the active segment. Everything else (reading, sidecars, caches)
//! uses the file system directly, for nothing durable depends on it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
};

/// A segment opened for writing.
pub trait SegmentFile: Send {
    /// Writes all bytes at the offset.
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`: returns once the bytes and the length are on the medium.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file; used only by recovery on a torn last write.
    fn set_len(&mut self, length: u64) -> io::Result<()>;
}

/// Opens segments for writing.
pub trait Disk: Send + Sync {
    /// Opens a segment for writing and creates it if it is not there.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(OsFile(file)))
    }
}

struct OsFile(File);

impl SegmentFile for OsFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}
