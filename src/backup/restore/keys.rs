//! The keys out of a backup: read from a copy of the copy, written anew without what is destroyed.
//!
//! Owns that the keyring of the backup is itself never part of the new data directory: it is
//! opened, and what may still be opened is written under a wrapping key of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use event_log::{KeyRange, Keyring};
use facts::LogPosition;

use super::segments::fetch;
use crate::backup::{
    BackupRefusal,
    digest::sync_dir,
    dir_store::{DirStore, erase, make_dir},
    live::{keyring_unwritten, read_keyring},
    manifest::Manifest,
};

/// Where the copied keys stand meanwhile.
pub(super) fn staged(work: &Path) -> PathBuf {
    work.join("keys-of-the-backup")
}

/// Where a data directory has its keys.
fn own(work: &Path) -> PathBuf {
    work.join("keyring")
}

/// Copies the keys here, checked, and opens the keyring.
pub(super) fn open(from: &Path, manifest: &Manifest, work: &Path) -> Result<Keyring> {
    let dir = staged(work);
    make_dir(&dir)?;
    let store = DirStore::for_reading(from);
    for (name, entry) in &manifest.files {
        let file = Path::new(name).file_name().context("a manifest names files")?;
        fetch(&store, name, entry, &dir.join(file))?;
    }
    let keyring = read_keyring(&dir)
        .with_context(|| format!("the keyring in {} cannot be opened", from.display()))?;
    let keyring = keyring.ok_or_else(|| BackupRefusal::Damaged {
        file: from.display().to_string(),
        what: "it has no keyring".to_owned(),
    })?;
    if keyring.log_id().to_string() != manifest.about.log_id {
        return Err(BackupRefusal::OtherLog {
            place: from.display().to_string(),
            expected: manifest.about.log_id.clone(),
            found: keyring.log_id().to_string(),
        }
        .into());
    }
    Ok(keyring)
}

/// Writes the keys of the new data directory.
pub(super) fn write(
    work: &Path,
    keyring: &Keyring,
    destroyed: &[KeyRange],
    end: LogPosition,
) -> Result<()> {
    let dir = own(work);
    let written = keyring.copy_without(&dir, destroyed, Some(end));
    written.map_err(|error| keyring_unwritten(&dir, error))?;
    for file in fs::read_dir(staged(work))? {
        let file = file?;
        let name = file.file_name();
        let text = name.to_string_lossy();
        if text == "keyring" || text.starts_with("wrap-") {
            continue;
        }
        let to = dir.join(&name);
        let written = fs::copy(file.path(), &to).and_then(|_| fs::File::open(&to)?.sync_all());
        written.map_err(BackupRefusal::unwritten(&to))?;
    }
    Ok(sync_dir(&dir)?)
}

/// Overwrites and removes the copied keys.
pub(super) fn forget_staged(work: &Path) -> Result<()> {
    erase_in(&staged(work))?;
    Ok(fs::remove_dir_all(staged(work))?)
}

/// Overwrites all keys of a run that was broken off.
pub(super) fn erase_all(work: &Path) -> Result<()> {
    erase_in(&staged(work))?;
    erase_in(&own(work))
}

fn erase_in(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        for file in fs::read_dir(dir)? {
            erase(&file?.path())?;
        }
    }
    Ok(())
}
