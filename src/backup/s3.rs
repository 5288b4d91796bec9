//! A backup in an S3-compatible store that locks objects.
//!
//! Owns that everything is put in compliance mode with a date, that the store's word for it is
//! checked (it is asked what it locked, and until when), and that nothing is ever removed. What
//! somebody deletes or writes over there is still found, among the versions of an object.
//! Invariants: I10 (tries, times and lists are bounded).

mod check;
mod client;
mod parts;
mod said;
mod settings;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use self::client::Client;
pub(crate) use self::settings::Settings;
use super::{
    BackupRefusal,
    digest::{self, Seen},
    dir_store::make_dir,
    manifest::{FileEntry, MANIFEST, MANIFEST_BYTES_MAX, Manifest},
    store::{Lock, Store},
};

const DAY_MS: u64 = 86_400_000;

/// Part of a bucket.
pub(crate) struct S3Store {
    client: Client,
    place: String,
    prefix: String,
    staging: PathBuf,
    days: u32,
    /// A legal hold is on everything, for good.
    always_held: bool,
    /// How objects are locked that are put now; without a date nothing is put.
    lock: Lock,
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
        let held = settings.legal_hold || settings.hold_is_open;
        store.lock = Lock { until: Some(now.saturating_add(keep)), held };
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
            days: settings.retention_days,
            always_held: settings.legal_hold,
            lock: Lock::default(),
            renew_before: 0,
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Puts a file that no manifest names, and has the store say what it did with it. A hold that
    /// is open now is not put on it, for nobody would take it off.
    pub(super) fn put_beside(&self, path: &Path, name: &str) -> Result<()> {
        self.put_locked(path, name, self.lock_beside())
    }

    fn lock_beside(&self) -> Lock {
        Lock { held: self.always_held, ..self.lock }
    }

    fn put_locked(&self, path: &Path, name: &str, lock: Lock) -> Result<()> {
        let until = lock.until.context("the store was opened to read")?;
        let seen = digest::of_file(path)?;
        let version = self.client.put(&self.key(name), path, &seen, until, lock.held)?;
        let fault = self.fault_of(name, &version, &seen, lock)?;
        fault.map_or(Ok(()), |what| Err(self.not_locked(name, what)))
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

    fn list_kept(&self, folder: &str) -> Result<BTreeSet<String>> {
        let names = self.client.list_versions(&self.key(folder))?.into_iter();
        Ok(names.filter_map(|key| Some(key.strip_prefix(&self.prefix)?.to_owned())).collect())
    }

    fn put(&mut self, staged: &Path, name: &str) -> Result<()> {
        self.put_locked(staged, name, self.lock)?;
        Ok(fs::remove_file(staged)?)
    }

    fn put_manifest(&mut self, text: &str) -> Result<()> {
        let staged = self.staging.join(MANIFEST);
        digest::write(&staged, text.as_bytes())?;
        // Puts are atomic: a crash before leaves the manifest before, which stays as a version.
        self.put_beside(&staged, MANIFEST)?;
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

    fn fetch(&self, name: &str, sha256: &str, to: &Path, most: u64) -> Result<Option<Seen>> {
        let key = self.key(name);
        let mut last = None;
        for version in self.client.versions(&key)? {
            if last.is_some() {
                fs::remove_file(to)?;
            }
            let seen = self.client.get(&key, &version, to, most)?;
            if seen.sha256 == sha256 {
                return Ok(Some(seen));
            }
            last = Some(seen);
        }
        Ok(last)
    }

    fn read_small(&self, name: &str, sha256: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let key = self.key(name);
        let mut last = None;
        for version in self.client.versions(&key)? {
            let bytes = self.client.get_small(&key, &version, most)?.unwrap_or_default();
            if digest::of_bytes(&bytes) == sha256 {
                return Ok(Some(bytes));
            }
            last = Some(bytes);
        }
        Ok(last)
    }

    fn remove(&mut self, name: &str, lock: Lock, _overwrite: bool) -> Result<()> {
        // What takes its place is held, or nothing is any more.
        if lock.held && !self.always_held {
            let key = self.key(name);
            for version in self.client.versions(&key)? {
                self.client.hold(&key, &version, false)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, entry: &FileEntry) -> Result<Lock> {
        let until = self.lock.until.context("the store was opened to read")?;
        let lock = entry.lock();
        let long_enough = lock.until.is_some_and(|locked| locked >= self.renew_before);
        if long_enough && lock.held == self.lock.held {
            return Ok(lock);
        }
        let version = self
            .version_of(name, entry.bytes, &entry.sha256)?
            .ok_or_else(|| self.not_locked(name, "it is not there any more".to_owned()))?;
        if lock.held && !self.lock.held {
            self.client.hold(&self.key(name), &version, false)?;
        }
        let until = if long_enough { lock.until } else { Some(until) };
        let seen = Seen { bytes: entry.bytes, sha256: entry.sha256.clone() };
        let wanted = Lock { until, ..self.lock };
        let kept = self.lock_at_least(name, &version, &seen, wanted)?;
        kept.map_err(|what| self.not_locked(name, what))
    }

    fn take_up(&mut self, name: &str, entry: &FileEntry) -> Result<Option<Lock>> {
        if self.version_of(name, entry.bytes, &entry.sha256)?.is_none() {
            return Ok(None);
        }
        match self.keep(name, entry) {
            Err(error) if BackupRefusal::is_put_again(&error) => Ok(None),
            kept => kept.map(Some),
        }
    }

    fn lock(&self) -> Lock {
        self.lock
    }

    fn lock_days(&self) -> Option<u32> {
        Some(self.days)
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
    make_dir(&dir)?;
    Ok(dir)
}
