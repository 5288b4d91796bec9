//! The tree's hashes on disk: one file a level, its tiles one after another.
//!
//! Owns `<data_dir>/ledger/level-<L>`: hash i stands at byte 32·i, so tile N is the 8,192 bytes
//! from 8,192·N on, and a partial tile of any width is a front of it. Hashes are only ever added
//! or written again as they were. Everything is deletable and made again from the log, so nothing
//! is synced but now and then, to keep the next start short.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    merkle::{self, LeafRange},
    tile::TILE_HEIGHT,
};
use crate::Digest;

/// Levels that a tree of 2^64 leaves has.
pub(crate) const LEVELS: usize = 8;
const HASH_BYTES: usize = 32;
/// The same, as an offset in a file.
const STRIDE: u64 = HASH_BYTES as u64;

/// The files of the levels.
#[derive(Debug)]
pub struct Levels {
    dir: PathBuf,
    writable: bool,
    files: Mutex<[Option<Arc<File>>; LEVELS]>,
}

impl Levels {
    /// For reading and writing; makes the directory.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), writable: true, files: Mutex::default() })
    }

    /// For reading alone, also where nothing is there.
    pub fn open_read_only(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), writable: false, files: Mutex::default() }
    }

    /// Hashes that a level's file holds.
    pub(crate) fn count(&self, level: usize) -> io::Result<u64> {
        match self.file(level) {
            Ok(file) => Ok(file.metadata()?.len() / STRIDE),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// `count` hashes from `index` on. Fails with `UnexpectedEof` where they are not all there.
    pub(crate) fn read(&self, level: usize, index: u64, count: usize) -> io::Result<Vec<Digest>> {
        let mut bytes = vec![0; count * HASH_BYTES];
        self.file(level)?.read_exact_at(&mut bytes, index * STRIDE)?;
        Ok(bytes.as_chunks::<HASH_BYTES>().0.to_vec())
    }

    /// One hash.
    pub(crate) fn hash(&self, level: usize, index: u64) -> io::Result<Digest> {
        let mut bytes = [0; HASH_BYTES];
        self.file(level)?.read_exact_at(&mut bytes, index * STRIDE)?;
        Ok(bytes)
    }

    pub(crate) fn write(&self, level: usize, index: u64, hashes: &[Digest]) -> io::Result<()> {
        self.file(level)?.write_all_at(hashes.as_flattened(), index * STRIDE)
    }

    /// Forgets everything; for a tree of another log.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut files = self.files.lock();
        for level in 0..LEVELS {
            files[level] = None;
            match fs::remove_file(self.path(level)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings everything that was written onto the medium.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let files: Vec<_> = self.files.lock().iter().flatten().map(Arc::clone).collect();
        files.iter().try_for_each(|file| file.sync_data())?;
        crate::segment::sync_dir(&self.dir)
    }

    /// Root of the tree over the first `size` leaves.
    pub fn root(&self, size: u64) -> io::Result<Digest> {
        if size == 0 {
            return Ok(merkle::empty_root());
        }
        self.range(LeafRange { start: 0, end: size })
    }

    /// Hashes over ranges that a proof consists of. Reads a number of tiles that grows with the
    /// logarithm of the tree.
    pub fn ranges(&self, ranges: &[LeafRange]) -> io::Result<Vec<Digest>> {
        ranges.iter().map(|range| self.range(*range)).collect()
    }

    fn range(&self, range: LeafRange) -> io::Result<Digest> {
        let roots: Vec<Digest> = range
            .subtrees()
            .rev()
            .map(|(start, height)| self.subtree(start, height))
            .collect::<io::Result<_>>()?;
        Ok(merkle::join(roots.iter()).unwrap_or_else(merkle::empty_root))
    }

    fn subtree(&self, start: u64, height: u32) -> io::Result<Digest> {
        let level = height / TILE_HEIGHT;
        let index = start >> (level * TILE_HEIGHT);
        let hashes = self.read(level as usize, index, 1 << (height % TILE_HEIGHT))?;
        Ok(merkle::perfect_root(hashes))
    }

    fn path(&self, level: usize) -> PathBuf {
        self.dir.join(format!("level-{level}"))
    }

    fn file(&self, level: usize) -> io::Result<Arc<File>> {
        let mut files = self.files.lock();
        if let Some(file) = &files[level] {
            return Ok(Arc::clone(file));
        }
        let mut options = OpenOptions::new();
        options.read(true);
        if self.writable {
            options.write(true).create(true).truncate(false);
        }
        let file = Arc::new(options.open(self.path(level))?);
        files[level] = Some(Arc::clone(&file));
        Ok(file)
    }
}
