//! What is verified out of an off-site store: a copy in a directory that goes with the command.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    backup::{Place, copy_back},
    cli::{Origin, backup::advised},
};

/// The name of a copy begins so; the number of its process follows.
const NAME: &str = "chancery-verify-";

/// Removes the copies of processes that are no more, as far as it may: they lie there in clear.
fn sweep(temporary: &Path) {
    let processes = Path::new("/proc");
    // Without them nobody can tell whether one still runs.
    let Ok(entries) = fs::read_dir(temporary) else { return };
    if !processes.join(std::process::id().to_string()).exists() {
        return;
    }
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(NAME)?.parse::<u32>().ok());
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let Some(number) = number.filter(|_| is_dir)
            && !processes.join(number.to_string()).exists()
            // In another container its number says nothing here.
            && File::open(entry.path()).is_ok_and(|dir| dir.try_lock().is_ok())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A copy; removed when it is dropped.
pub(super) struct Copied {
    dir: PathBuf,
    /// As long as the copy is used, so that nobody takes it for one that was left.
    _lock: File,
}

impl Copied {
    /// Copies a place of a bucket here. A kill leaves the copy where temporary files are, until
    /// the next one is made.
    pub(super) fn of(place: &str, origin: &Origin) -> anyhow::Result<Self> {
        let offsite = origin.config()?.offsite;
        let place = Place::parse(place, Some(&offsite)).map_err(|error| advised(error.into()))?;
        let name = format!("{NAME}{}", std::process::id());
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        let dir = temporary.join(name);
        if dir.exists() {
            // One that a process of the same number left.
            fs::remove_dir_all(&dir)?;
        }
        DirBuilder::new().mode(0o700).create(&dir)?;
        let lock = File::open(&dir)?;
        lock.lock()?;
        let copied = Self { dir, _lock: lock };
        copy_back(&place, copied.path())
            .with_context(|| format!("{place} could not be copied here"))
            .map_err(advised)?;
        Ok(copied)
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_processes_that_are_no_more_are_removed_and_nothing_else() -> anyhow::Result<()> {
        let temporary = tempfile::tempdir()?;
        // No process has a number as high.
        let dead = temporary.path().join(format!("{NAME}{}", u32::MAX));
        let alive = temporary.path().join(format!("{NAME}{}", std::process::id()));
        let other = temporary.path().join(format!("{NAME}of-mine"));
        let elsewhere = temporary.path().join(format!("{NAME}{}", u32::MAX - 1));
        for dir in [&dead, &alive, &other, &elsewhere] {
            fs::create_dir(dir)?;
            fs::write(dir.join("entries.jsonl"), "in clear")?;
        }
        let lock = File::open(&elsewhere)?;
        lock.lock()?;
        sweep(temporary.path());
        assert!(elsewhere.exists(), "it is used by a process in another container");
        assert!(!dead.exists() && alive.exists() && other.exists());
        Ok(())
    }
}
