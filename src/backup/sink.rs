//! Files that are put off-site by themselves, locked: those of an export.
//!
//! Owns that a file is put once, however often a command is begun again, and that nothing that
//! stands there is covered by something else.

use std::path::Path;

use anyhow::Result;

use super::{BackupRefusal, Place, digest, s3::S3Store, store::Store as _};

/// A part of a bucket that files are put to.
pub(crate) struct Sink {
    store: S3Store,
    now: u64,
}

impl Sink {
    /// Opens it to put to at this time. Refuses a bucket that does not lock.
    pub(crate) fn open(place: &Place, now: u64) -> Result<Self> {
        Ok(Self { store: place.locking(now)?, now })
    }

    /// Whether anything was ever put under this name.
    pub(crate) fn has_any(&self, name: &str) -> Result<bool> {
        Ok(self.store.list_kept(name)?.contains(name))
    }

    /// Puts a file, and has the store say what it has; false where it was there, locked. Refuses a
    /// name under which something else stands.
    pub(crate) fn put(&self, path: &Path, name: &str) -> Result<bool> {
        let seen = digest::of_file(path)?;
        if self.store.has(name, &seen, self.now)? {
            return Ok(false);
        }
        if self.has_any(name)? && !self.store.was_put(name, &seen)? {
            let place = format!("{}{name}", self.store.name());
            return Err(BackupRefusal::Taken(place).into());
        }
        self.store.put_beside(path, name)?;
        Ok(true)
    }
}
