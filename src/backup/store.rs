//! Where a backup lies: files by name, whatever keeps them.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

/// A place for files that are never changed, and one manifest that is.
pub(crate) trait Store: Send {
    /// What to call it in messages.
    fn name(&self) -> String;

    /// A directory on this machine in which files are made before they are put.
    fn staging(&self) -> &Path;

    /// All files that are there, with their lengths, but the manifest.
    fn list(&self) -> Result<BTreeMap<String, u64>>;

    /// Puts a file that was made in [`Self::staging`], and is synced; it is gone from there.
    /// Durable when it returns.
    fn put(&mut self, staged: &Path, name: &str) -> Result<()>;

    /// Replaces the manifest in one step. Durable when it returns.
    fn put_manifest(&mut self, text: &str) -> Result<()>;

    /// The manifest; `None` where there is none.
    fn manifest(&self) -> Result<Option<String>>;

    /// Copies a file here, to a path that is not there; where the store has several versions, the
    /// one with this SHA-256. `None` where the store has none.
    fn fetch(&self, name: &str, sha256: &str, to: &Path) -> Result<Option<super::digest::Seen>>;

    /// Removes a file, where the store lets go of files at all; `overwrite`: with its blocks.
    fn remove(&mut self, name: &str, overwrite: bool) -> Result<()>;

    /// Keeps a file of the backup before for the new one. Answers until when it is locked, in
    /// milliseconds since the Unix epoch, where the store locks.
    fn keep(&mut self, name: &str, locked_until: Option<u64>) -> Result<Option<u64>>;

    /// Until when files that are put now are locked.
    fn locks_until(&self) -> Option<u64>;

    /// Ends a run: nothing is unfinished any more.
    fn finish(&mut self) -> Result<()>;
}
