//! What the store says of what it was given, held against what it was given.
//!
//! Owns that no put is believed: length, lock, hold and SHA-256 are asked for; and that a lock is
//! made longer where it is too short, and never shorter. Knows the versions of an object, for
//! somebody may have written over it.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{S3Store, client::Version};
use crate::backup::{BackupRefusal, digest::Seen, store::Lock};

/// Objects up to this size are read back whole after they were put.
const READ_BACK_BYTES: u64 = 1024 * 1024;

impl S3Store {
    pub(super) fn not_locked(&self, name: &str, what: String) -> anyhow::Error {
        BackupRefusal::NotLocked { file: format!("{}{name}", self.place), what }.into()
    }

    /// What is not locked, or not there, or something else, is no backup: a store that says yes
    /// and does something else is found out here.
    pub(super) fn fault_of(
        &self,
        name: &str,
        version: &Version,
        seen: &Seen,
        lock: Lock,
    ) -> Result<Option<String>> {
        let Some(found) = self.client.look(&self.key(name), version)? else {
            return Ok(Some("it is not there".to_owned()));
        };
        let until = lock.until.unwrap_or(0);
        Ok(match found.locked_until {
            _ if found.length != Some(seen.bytes) => {
                let length = found.length.unwrap_or_default();
                Some(format!("it has {length} bytes of {}", seen.bytes))
            }
            None => Some("it is not locked in compliance mode".to_owned()),
            // The store keeps whole seconds.
            Some(locked) if locked / 1000 < until / 1000 => {
                Some(format!("it is locked until {locked} and not until {until}"))
            }
            Some(_) if lock.held && !self.client.is_held(&self.key(name), version)? => {
                Some("it has no legal hold".to_owned())
            }
            Some(_) => self.is_other(name, version, seen, found.sha256)?,
        })
    }

    /// Small objects are read again; of large ones the store's own checksum counts, where it has
    /// one.
    fn is_other(
        &self,
        name: &str,
        version: &Version,
        seen: &Seen,
        stated: Option<String>,
    ) -> Result<Option<String>> {
        let stated = stated.filter(|_| seen.bytes > READ_BACK_BYTES);
        let sha256 = match stated {
            Some(sha256) => sha256,
            None => self.client.digest(&self.key(name), version, seen.bytes)?.sha256,
        };
        let other = sha256 != seen.sha256;
        Ok(other.then(|| format!("its SHA-256 is {sha256} and not {}", seen.sha256)))
    }

    /// Locks a version at least so, where it is not, and has the store say so. Answers how it is
    /// locked then, or what is wrong with it.
    pub(super) fn lock_at_least(
        &self,
        name: &str,
        version: &Version,
        seen: &Seen,
        wanted: Lock,
    ) -> Result<Result<Lock, String>> {
        let key = self.key(name);
        let Some(found) = self.client.look(&key, version)? else {
            return Ok(Err("it is not there".to_owned()));
        };
        let until = wanted.until.context("the store was opened to read")?;
        // The store keeps whole seconds, and refuses to make a lock shorter.
        let longer = found.locked_until.filter(|locked| locked / 1000 >= until / 1000);
        if longer.is_none() {
            self.client.lock_until(&key, version, until)?;
        }
        if wanted.held && !self.client.is_held(&key, version)? {
            self.client.hold(&key, version, true)?;
        }
        let kept = Lock { until: longer.or(Some(until)), held: wanted.held };
        Ok(self.fault_of(name, version, seen, kept)?.map_or(Ok(kept), Err))
    }

    /// Whether a file is there as it was put, and locked from now on as what [`Self::put_beside`]
    /// puts: what an earlier try locked for less is locked for longer. False where it is to be put.
    pub(in crate::backup) fn has_beside(&self, name: &str, seen: &Seen) -> Result<bool> {
        let Some(version) = self.version_of(name, seen.bytes, &seen.sha256)? else {
            return Ok(false);
        };
        Ok(self.lock_at_least(name, &version, seen, self.lock_beside())?.is_ok())
    }

    /// Whether a file is there as it was put, and locked at this time.
    pub(in crate::backup) fn has(&self, name: &str, seen: &Seen, now: u64) -> Result<bool> {
        let Some(version) = self.version_of(name, seen.bytes, &seen.sha256)? else {
            return Ok(false);
        };
        let lock = Lock { until: Some(now), held: false };
        Ok(self.fault_of(name, &version, seen, lock)?.is_none())
    }

    /// Whether a file is there as it was put, locked or not.
    pub(in crate::backup) fn was_put(&self, name: &str, seen: &Seen) -> Result<bool> {
        Ok(self.version_of(name, seen.bytes, &seen.sha256)?.is_some())
    }

    /// The newest version of a file, copied to a path that is not there; false where it has none.
    pub(in crate::backup) fn newest(&self, name: &str, to: &Path) -> Result<bool> {
        let key = self.key(name);
        let versions = self.client.versions(&key)?;
        let Some(version) = versions.first() else { return Ok(false) };
        // Nobody else says how long it is.
        let found = self.client.look(&key, version)?;
        let length = found.and_then(|found| found.length).unwrap_or(0);
        self.client.get(&key, version, to, length).map(|_| true)
    }

    /// The newest version that is what was put: somebody may have written over it, with as many
    /// bytes. Where the store states no SHA-256 of a version, it is read.
    pub(super) fn version_of(
        &self,
        name: &str,
        bytes: u64,
        sha256: &str,
    ) -> Result<Option<Version>> {
        let key = self.key(name);
        for version in self.client.versions(&key)? {
            let Some(found) = self.client.look(&key, &version)? else { continue };
            if found.length != Some(bytes) {
                continue;
            }
            let found = match found.sha256 {
                Some(stated) => stated,
                None => self.client.digest(&key, &version, bytes)?.sha256,
            };
            if found == sha256 {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}
