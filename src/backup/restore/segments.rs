//! Segments and media out of a backup, each held against the manifest while it is copied.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use event_log::backup::{SegmentPath, copy_segment};
use facts::LogPosition;

use crate::backup::{
    BackupRefusal,
    digest::sync_dir,
    dir_store::make_dir,
    log_copy::copied,
    manifest::{FileEntry, Manifest},
    store::Store,
};

/// Copies the segments up to a position.
pub(super) fn copy(
    store: &dyn Store,
    manifest: &Manifest,
    through: LogPosition,
    work: &Path,
) -> Result<()> {
    let dir = work.join("log").join("segments");
    make_dir(&dir)?;
    for (name, entry, segment) in manifest.segments() {
        if segment.first > through {
            break;
        }
        let place = SegmentPath { first: segment.first, path: dir.clone() };
        let path = dir.join(place.file_name());
        fetch(store, name, entry, &path)?;
        if segment.last > through {
            cut(segment.first, through, &path)?;
        } else if segment.closed {
            let set = fs::set_permissions(&path, Permissions::from_mode(0o444));
            set.map_err(BackupRefusal::unwritten(&path))?;
        }
    }
    Ok(sync_dir(&dir)?)
}

/// Leaves of a copied segment what is not behind `through`; nothing, and no file, where its first
/// batch is.
fn cut(first: LogPosition, through: LogPosition, path: &Path) -> Result<()> {
    let whole = path.with_extension("whole");
    fs::rename(path, &whole).map_err(BackupRefusal::unwritten(&whole))?;
    let from = SegmentPath { first, path: whole.clone() };
    let copied = copied(copy_segment(&from, through, path))
        .with_context(|| format!("the segment from position {first} on cannot be cut"))?;
    fs::remove_file(&whole).map_err(BackupRefusal::unwritten(&whole))?;
    if copied.last.is_none() {
        fs::remove_file(path).map_err(BackupRefusal::unwritten(path))?;
    }
    Ok(())
}

/// Copies the media; answers how many files.
pub(super) fn copy_media(store: &dyn Store, manifest: &Manifest, work: &Path) -> Result<u64> {
    let mut count = 0;
    let mut last = None;
    for (name, entry) in &manifest.files {
        if !name.starts_with("media/") {
            continue;
        }
        let path = work.join(name);
        let parent = path.parent().unwrap_or(work).to_owned();
        if last.as_ref() != Some(&parent) {
            make_dir(&parent)?;
            if let Some(done) = last.replace(parent) {
                sync_dir(&done)?;
            }
        }
        fetch(store, name, entry, &path)?;
        count += 1;
    }
    if let Some(done) = last {
        sync_dir(&done)?;
        sync_dir(&work.join("media"))?;
    }
    Ok(count)
}

/// Copies a file and holds it against its entry.
pub(in crate::backup) fn fetch(
    store: &dyn Store,
    name: &str,
    entry: &FileEntry,
    to: &Path,
) -> Result<()> {
    let damaged = |what: String| BackupRefusal::Damaged { file: name.to_owned(), what };
    let Some(seen) = store.fetch(name, &entry.sha256, to, entry.bytes)? else {
        return Err(damaged("it is not there".to_owned()).into());
    };
    if seen.bytes != entry.bytes {
        let what = format!("{} bytes instead of {}", seen.bytes, entry.bytes);
        return Err(damaged(what).into());
    }
    if seen.sha256 != entry.sha256 {
        return Err(damaged("another SHA-256".to_owned()).into());
    }
    Ok(())
}
