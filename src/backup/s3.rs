//! A backup in an S3-compatible store that locks objects.
//!
//! Owns that everything is put in compliance mode with a date, that the store's word for it is
//! checked (it is asked what it locked, and until when), and that nothing is ever removed. What
//! somebody deletes or writes over there is still found, among the versions of an object.
//! Invariants: I10 (tries, times and lists are bounded).

mod client;
mod settings;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use self::client::{Client, Version};
pub(crate) use self::settings::Settings;
use super::{
    BackupRefusal,
    digest::{self, Seen},
    dir_store::make_dir,
    manifest::{MANIFEST, MANIFEST_BYTES_MAX, Manifest},
    store::Store,
};

const DAY_MS: u64 = 86_400_000;

/// Part of a bucket.
pub(super) struct S3Store {
    client: Client,
    place: String,
    prefix: String,
    staging: PathBuf,
    /// Until when objects are locked that are put now; `None`: nothing is put.
    until: Option<u64>,
    /// What is locked for less than this is locked anew.
    renew_before: u64,
}

impl S3Store {
    /// Opens it for a backup that is taken at this time. Refuses a bucket that does not lock.
    pub(super) fn for_writing(
        bucket: &str,
        prefix: &str,
        settings: &Settings,
        now: u64,
    ) -> Result<Self> {
        let mut store = Self::for_reading(bucket, prefix, settings)?;
        if !store.client.bucket_locks()? {
            return Err(BackupRefusal::NoLock(store.place.clone()).into());
        }
        let keep = u64::from(settings.retention_days) * DAY_MS;
        store.until = Some(now.saturating_add(keep));
        store.renew_before = now.saturating_add(keep / 2);
        Ok(store)
    }

    /// Opens it to read.
    pub(super) fn for_reading(bucket: &str, prefix: &str, settings: &Settings) -> Result<Self> {
        Ok(Self {
            client: Client::new(bucket, settings)?,
            place: format!("s3://{bucket}/{prefix}"),
            prefix: prefix.to_owned(),
            staging: new_staging()?,
            until: None,
            renew_before: 0,
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Puts a file and has the store say what it did with it.
    fn put_locked(&self, path: &Path, name: &str) -> Result<()> {
        let until = self.until.context("the store was opened to read")?;
        let seen = digest::of_file(path)?;
        let key = self.key(name);
        let version = self.client.put(&key, path, &seen, until)?;
        self.check_lock(name, &version, &seen, until)
    }

    /// What is not locked, or not there, is no backup: a store that says yes and does something
    /// else is found out here.
    fn check_lock(&self, name: &str, version: &Version, seen: &Seen, until: u64) -> Result<()> {
        let key = self.key(name);
        let refuse = |what: String| -> Result<()> {
            Err(BackupRefusal::NotLocked { file: format!("{}{name}", self.place), what }.into())
        };
        let Some(found) = self.client.look(&key, version)? else {
            return refuse("it is not there".to_owned());
        };
        if found.length != Some(seen.bytes) {
            let length = found.length.unwrap_or_default();
            return refuse(format!("it has {length} bytes of {}", seen.bytes));
        }
        // The store keeps whole seconds.
        match found.locked_until {
            Some(locked) if locked / 1000 >= until / 1000 => Ok(()),
            Some(locked) => refuse(format!("it is locked until {locked} and not until {until}")),
            None => refuse("it is not locked in compliance mode".to_owned()),
        }
    }
}

impl Store for S3Store {
    fn name(&self) -> String {
        self.place.clone()
    }

    fn staging(&self) -> &Path {
        &self.staging
    }

    fn list(&self) -> Result<BTreeMap<String, u64>> {
        let mut found = self.client.list(&self.prefix)?;
        found.remove(MANIFEST);
        Ok(found)
    }

    fn put(&mut self, staged: &Path, name: &str) -> Result<()> {
        self.put_locked(staged, name)?;
        Ok(fs::remove_file(staged)?)
    }

    fn put_manifest(&mut self, text: &str) -> Result<()> {
        let staged = self.staging.join(MANIFEST);
        fs::write(&staged, text)?;
        // Puts are atomic: a crash before leaves the manifest before, which stays as a version.
        self.put_locked(&staged, MANIFEST)?;
        Ok(fs::remove_file(staged)?)
    }

    fn manifest(&self) -> Result<Option<String>> {
        let key = self.key(MANIFEST);
        let mut newest = None;
        for version in self.client.versions(&key)? {
            let Some(bytes) = self.client.get_small(&key, &version, MANIFEST_BYTES_MAX)? else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if Manifest::parse(&text).is_ok() {
                return Ok(Some(text));
            }
            // Somebody wrote something over it; if nothing better is there, it is what is wrong.
            newest = newest.or(Some(text));
        }
        Ok(newest)
    }

    fn fetch(&self, name: &str, sha256: &str, to: &Path) -> Result<Option<Seen>> {
        let key = self.key(name);
        let mut last = None;
        for version in self.client.versions(&key)? {
            if last.is_some() {
                fs::remove_file(to)?;
            }
            let seen = self.client.get(&key, &version, to)?;
            if seen.sha256 == sha256 {
                return Ok(Some(seen));
            }
            last = Some(seen);
        }
        Ok(last)
    }

    fn remove(&mut self, _name: &str, _overwrite: bool) -> Result<()> {
        Ok(())
    }

    fn keep(&mut self, name: &str, locked_until: Option<u64>) -> Result<Option<u64>> {
        let until = self.until.context("the store was opened to read")?;
        if locked_until.is_some_and(|locked| locked >= self.renew_before) {
            return Ok(locked_until);
        }
        let key = self.key(name);
        let version = self
            .client
            .newest_version(&key)?
            .with_context(|| format!("{}{name} has no version any more", self.place))?;
        self.client.lock_until(&key, &version, until)?;
        Ok(Some(until))
    }

    fn locks_until(&self) -> Option<u64> {
        self.until
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Drop for S3Store {
    fn drop(&mut self) {
        // Ciphertext alone; what cannot be removed is in the way of nobody.
        let _ = fs::remove_dir_all(&self.staging);
    }
}

/// A directory of this process's own.
fn new_staging() -> Result<PathBuf> {
    static OPENED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = OPENED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("chancery-offsite-{}-{number}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    // One that a process of the same number left is nobody's any more.
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    make_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}
