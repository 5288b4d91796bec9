//! The operating system's disk, counting what the log does with it.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use event_log::{Disk, OsDisk, SegmentFile};

/// Counts of all segments; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountingDisk {
    syncs: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

/// How much was written, in how many durable writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// `fdatasync`s.
    pub(crate) syncs: u64,
    /// Bytes.
    pub(crate) bytes: u64,
}

impl Counts {
    /// What came after `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { syncs: self.syncs - before.syncs, bytes: self.bytes - before.bytes }
    }
}

impl CountingDisk {
    /// The counts so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            syncs: self.syncs.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Disk for CountingDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(CountingFile { file: OsDisk.open(path)?, disk: self.clone() }))
    }
}

struct CountingFile {
    file: Box<dyn SegmentFile>,
    disk: CountingDisk,
}

impl SegmentFile for CountingFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }
}
