//! The few disk operations on which durability rests, as a trait, so that tests can fail them.
//!
//! Owns writing and syncing of the active segment, and the names of the steps of a destruction.
//! Everything else (reading, sidecars, caches) uses the file system directly.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
};

use crate::KeyringStep;

/// A segment opened for writing.
pub trait SegmentFile: Send {
    /// Writes all bytes at the offset.
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`: returns once the bytes and the length are on the medium.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file; used only by recovery on a torn last write.
    fn set_len(&mut self, length: u64) -> io::Result<()>;
}

/// A durable step of a destruction, and what a crash just before it leaves. In every case the next
/// start executes what was ordered, before the first read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestructionStep {
    /// The order is appended. Before: nothing was ordered.
    Order,
    /// A step of the keyring's rewrite. Before: the order, and what the step says of the keyring.
    Keyring(KeyringStep),
    /// A segment without the ciphertext is written beside the old one. Before: the old one.
    WriteSegment,
    /// It is flushed. Before: the old one, and a file that may be torn.
    SyncSegment,
    /// It is renamed over the old one. Before: the old one, and a whole file beside it.
    RenameSegment,
    /// The directory is flushed. Before: the one or the other under the name.
    SyncSegments,
    /// The offsets beside the segment are written anew. Before: those of the old one, which do not
    /// fit and are made again.
    WriteOffsets,
    /// The report is appended. Before: all is done, and nothing says so.
    Report,
}

/// Opens segments for writing.
pub trait Disk: Send + Sync {
    /// Opens a segment for writing and creates it if it is not there.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;

    /// Told before each step of a destruction; an error stands for the step's own failure.
    fn before(&self, _step: DestructionStep) -> io::Result<()> {
        Ok(())
    }
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(OsFile(file)))
    }

    fn before(&self, step: DestructionStep) -> io::Result<()> {
        tracing::debug!(?step, "a destruction is at");
        Ok(())
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
