//! What is verified out of an off-site store: a copy in a directory that goes with the command.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    backup::{Place, copy_back},
    cli::{Origin, backup::advised},
};

/// A copy; removed when it is dropped.
pub(super) struct Copied(PathBuf);

impl Copied {
    /// Copies a place of a bucket here. A kill leaves the copy where temporary files are.
    pub(super) fn of(place: &str, origin: &Origin) -> anyhow::Result<Self> {
        let offsite = origin.config()?.offsite;
        let place = Place::parse(place, Some(&offsite)).map_err(|error| advised(error.into()))?;
        let name = format!("chancery-verify-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        if dir.exists() {
            // One that a process of the same number left.
            fs::remove_dir_all(&dir)?;
        }
        let copied = Self(dir);
        copy_back(&place, copied.path())
            .with_context(|| format!("{place} could not be copied here"))
            .map_err(advised)?;
        Ok(copied)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
