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

    /// Copies a file here, to a path that is not there. `None` where the store has none.
    fn fetch(&self, name: &str, to: &Path) -> Result<Option<super::digest::Seen>>;

    /// Removes a file, where the store lets go of files at all.
    fn remove(&mut self, name: &str) -> Result<()>;
}
