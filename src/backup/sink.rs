//! Files that are put off-site by themselves, locked: those of an export.
//!
//! Owns that what is there is not put again, however often a command is begun again, and is locked
//! as this command wants it; and that nothing that stands there is covered by something else.

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

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        self.store.name()
    }

    /// Whether anything was ever put under this name.
    pub(crate) fn has_any(&self, name: &str) -> Result<bool> {
        Ok(self.store.list_kept(name)?.contains(name))
    }

    /// Refuses anything below the prefix that does not belong there: with it, what is put could
    /// never be verified.
    pub(crate) fn holds_only(&self, belongs: impl Fn(&str) -> bool) -> Result<()> {
        // An object with the prefix's own name is how some programs make a folder.
        let names = self.store.list_kept("")?;
        let other = names.into_iter().find(|name| !name.is_empty() && !belongs(name));
        let Some(other) = other else { return Ok(()) };
        Err(BackupRefusal::Foreign(format!("{}{other}", self.store.name())).into())
    }

    /// Whether this file is there under this name, locked.
    pub(crate) fn has(&self, path: &Path, name: &str) -> Result<bool> {
        self.store.has(name, &digest::of_file(path)?, self.now)
    }

    /// Whether it is there, locked or not.
    pub(crate) fn was_put(&self, path: &Path, name: &str) -> Result<bool> {
        self.store.was_put(name, &digest::of_file(path)?)
    }

    /// What was put first under this name, if it is no longer than so many bytes.
    pub(crate) fn first_put(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        // No version has this SHA-256, so that the oldest is answered.
        self.store.read_small(name, "", most)
    }

    /// Puts a file, and has the store say what it has; false where it was there, and is locked now
    /// for as long and held as it would be if it were put. Refuses a
    /// file that does not have this SHA-256 any more, where one is known, and a name under which
    /// something else stands.
    pub(crate) fn put(&self, path: &Path, name: &str, sha256: Option<&str>) -> Result<bool> {
        let seen = digest::of_file(path)?;
        if sha256.is_some_and(|sha256| sha256 != seen.sha256) {
            return Err(BackupRefusal::Changed(path.to_owned()).into());
        }
        if self.store.has_beside(name, &seen)? {
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
