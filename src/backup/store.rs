//! Where a backup lies: files by name, whatever keeps them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;

use super::manifest::FileEntry;

/// How a file is locked, where the store locks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Until when, in milliseconds since the Unix epoch.
    pub(crate) until: Option<u64>,
    /// A legal hold is on it, which has no date.
    pub(crate) held: bool,
}

/// A place for files that are never changed, and one manifest that is.
pub(crate) trait Store: Send {
    /// What to call it in messages.
    fn name(&self) -> String;

    /// A directory on this machine in which files are made before they are put.
    fn staging(&self) -> &Path;

    /// All files that are there, with their lengths, but the manifest.
    fn list(&self) -> Result<BTreeMap<String, u64>>;

    /// All files below a folder, also those that somebody has hidden since they were put.
    fn list_kept(&self, folder: &str) -> Result<BTreeSet<String>>;

    /// Puts a file that was made in [`Self::staging`], and is synced; it is gone from there.
    /// Durable when it returns.
    fn put(&mut self, staged: &Path, name: &str) -> Result<()>;

    /// Replaces the manifest in one step. Durable when it returns.
    fn put_manifest(&mut self, text: &str) -> Result<()>;

    /// The manifest; `None` where there is none.
    fn manifest(&self) -> Result<Option<String>>;

    /// Copies a file here, to a path that is not there; where the store has several versions, the
    /// one with this SHA-256. `None` where the store has none. Of what comes over a network and is
    /// longer than `most` not more is copied than it takes to see that.
    fn fetch(
        &self,
        name: &str,
        sha256: &str,
        to: &Path,
        most: u64,
    ) -> Result<Option<super::digest::Seen>>;

    /// A small file; where the store has several versions, the one with this SHA-256. `None` where
    /// there is none. Of a larger one not more than it takes to see that it is another.
    fn read_small(&self, name: &str, sha256: &str, most: u64) -> Result<Option<Vec<u8>>>;

    /// Removes a file, where the store lets go of files at all, and takes a legal hold of ours
    /// off it; `overwrite`: with its blocks.
    fn remove(&mut self, name: &str, lock: Lock, overwrite: bool) -> Result<()>;

    /// Keeps a file of the backup before for the new one, and locks it anew where it is not locked
    /// for long enough. Answers how it is locked from now on.
    fn keep(&mut self, name: &str, entry: &FileEntry) -> Result<Lock>;

    /// A file that is there and that no manifest names, left by a run that was broken off: locks it
    /// like one that is kept, and answers how. `None` where it is to be put.
    fn take_up(&mut self, name: &str, entry: &FileEntry) -> Result<Option<Lock>>;

    /// How files that are put now are locked.
    fn lock(&self) -> Lock;

    /// For how many days that is, where the store locks.
    fn lock_days(&self) -> Option<u32>;

    /// Ends a run: nothing is unfinished any more.
    fn finish(&mut self) -> Result<()>;
}
