//! `<keys dir>/ledger.key`: the key that signs checkpoints.
//!
//! Owns the file: one line `ed25519 <seed in base64>`, readable by its owner alone. A key becomes
//! the signing one in two steps, so that the log states it before anything is signed: it is put
//! beside as `ledger.key.next`, stated, and renamed. Never prints the seed.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::replace_file::replace_file;
use crate::Random;

const FILE: &str = "ledger.key";
const NEXT: &str = "ledger.key.next";
const FILE_BYTES_MAX: u64 = 4096;
/// For its owner alone.
const MODE: u32 = 0o600;

/// A seed of an Ed25519 key.
pub(crate) type Seed = Zeroizing<[u8; 32]>;

/// The files of the signing key.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    dir: PathBuf,
}

impl KeyFiles {
    pub(crate) fn new(keys_dir: &Path) -> Self {
        Self { dir: keys_dir.to_owned() }
    }

    /// The signing key, if there is one.
    pub(crate) fn current(&self) -> io::Result<Option<Seed>> {
        read(&self.dir.join(FILE))
    }

    /// The key that is to follow, if there is one.
    pub(crate) fn next(&self) -> io::Result<Option<Seed>> {
        read(&self.dir.join(NEXT))
    }

    /// Makes the key that is to follow. Durable when this returns; a crash before leaves no key
    /// or a whole one that nobody has heard of, and the next start drops it.
    pub(crate) fn make_next(&self, random: &dyn Random) -> io::Result<Seed> {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed);
        let line = Zeroizing::new(format!("ed25519 {}\n", STANDARD.encode(*seed)));
        fs::create_dir_all(&self.dir)?;
        replace_file(&self.dir.join(NEXT), line.as_bytes(), MODE)?;
        Ok(seed)
    }

    /// Makes the following key the signing one; the one before is gone. A crash before the rename
    /// leaves both, and the start that finds the following one stated in the log comes here again.
    pub(crate) fn promote_next(&self) -> io::Result<()> {
        fs::rename(self.dir.join(NEXT), self.dir.join(FILE))?;
        crate::segment::sync_dir(&self.dir)
    }

    /// Drops a following key that the log never stated.
    pub(crate) fn drop_next(&self) -> io::Result<()> {
        fs::remove_file(self.dir.join(NEXT))?;
        crate::segment::sync_dir(&self.dir)
    }
}

fn read(path: &Path) -> io::Result<Option<Seed>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut line = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut line)?;
    let malformed = || {
        let words = format!("{} is not one line `ed25519 <base64 seed>`", path.display());
        io::Error::new(io::ErrorKind::InvalidData, words)
    };
    let seed = line.strip_prefix("ed25519 ").and_then(|rest| rest.strip_suffix('\n'));
    let bytes = seed.and_then(|seed| STANDARD.decode(seed).ok()).map(Zeroizing::new);
    let seed = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
    seed.map(|seed| Some(Zeroizing::new(seed))).ok_or_else(malformed)
}
