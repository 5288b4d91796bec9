//! Taking a backup of the keys: the keyring, and the small key files beside it.
//!
//! Owns that a target holds one copy, the newest: the one before is overwritten and removed once
//! the new manifest is there, for a copy of a keyring lives on with everything that was destroyed
//! after it. The keyring is copied by whoever has it open; files of a keyring that is in use are
//! never copied as files.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::{Context as _, Result};
use event_log::{Keyring, KeyringCopy, ledger::CHECKPOINT_FILE};

use super::{
    BackupPoint, BackupRefusal, Target,
    digest::{self, sync_dir},
    dir_store::{DirStore, make_dir},
    live::read_keyring,
    manifest::{About, FileEntry, Kind, Manifest},
    target::read_manifest,
};

/// Days after which a copy of the keyring must be gone, by default (LOG.md section 5).
const DAY_MS: u64 = 86_400_000;
/// A key file is at most this large.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Takes a backup of the keys. `copy_keyring` has the keyring written into a directory.
///
/// A crash before the manifest leaves the copy before and files in `unfinished/`, which the next
/// run overwrites and removes; one after it leaves the copy before beside the new one until then.
pub(crate) fn copy_keys(
    keys_dir: &Path,
    to: &Path,
    point: &BackupPoint,
    times: (u64, u32),
    copy_keyring: impl FnOnce(&Path) -> Result<KeyringCopy>,
) -> Result<KeyringCopy> {
    copy_keys_into(Target::open(to, Kind::Keys, point)?, keys_dir, point, times, copy_keyring)
}

pub(super) fn copy_keys_into(
    mut target: Target,
    keys_dir: &Path,
    point: &BackupPoint,
    (taken_at, keep_days): (u64, u32),
    copy_keyring: impl FnOnce(&Path) -> Result<KeyringCopy>,
) -> Result<KeyringCopy> {
    let staging = target.store.staging().join("keys");
    make_dir(&staging)?;
    let copied = copy_keyring(&staging)?;
    copy_key_files(keys_dir, &staging)?;
    if let Some(checkpoint) = &point.checkpoint {
        digest::write(&staging.join(CHECKPOINT_FILE), checkpoint.as_bytes())?;
    }
    sync_dir(&staging)?;
    let mut about = About::new(Kind::Keys, point, taken_at);
    about.applied_through = Some(copied.applied_through);
    about.keep_until = Some(taken_at.saturating_add(u64::from(keep_days) * DAY_MS));
    let mut manifest = Manifest::new(about);
    let folder = next_folder(&target);
    for file in fs::read_dir(&staging)? {
        let file = file?;
        let seen = digest::of_file(&file.path())?;
        let name = format!("{folder}/{}", file.file_name().to_string_lossy());
        target.store.put(&file.path(), &name)?;
        let entry = FileEntry::of(seen);
        manifest.add(name, entry)?;
    }
    target.commit(&manifest)?;
    Ok(copied)
}

/// A folder that no run has used, so that the copy before stays whole meanwhile.
fn next_folder(target: &Target) -> String {
    let number = |name: &String| name.split('/').next()?.strip_prefix("keys-")?.parse::<u64>().ok();
    let last = target.there.keys().filter_map(number).max().unwrap_or(0);
    format!("keys-{}", last + 1)
}

/// The keys that are not the keyring: of the ledger, of the server.
fn copy_key_files(from: &Path, to: &Path) -> Result<()> {
    for file in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let file = file?;
        let name = file.file_name();
        let Some(name) = name.to_str().filter(|name| is_key_file(name)) else { continue };
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > KEY_FILE_BYTES_MAX {
            continue;
        }
        let target = to.join(name);
        let named = || format!("cannot copy {}", file.path().display());
        let mut key = File::open(file.path()).with_context(named)?;
        digest::copy(&mut key, &target).with_context(named)?;
        let set = fs::set_permissions(&target, metadata.permissions());
        set.map_err(BackupRefusal::unwritten(&target))?;
    }
    Ok(())
}

fn is_key_file(name: &str) -> bool {
    let of_the_keyring = name.starts_with("keyring") || name.starts_with("wrap-");
    let half_written = Path::new(name).extension().is_some_and(|extension| extension == "new");
    !of_the_keyring && !half_written && !name.starts_with('.') && name != CHECKPOINT_FILE
}

/// The keyring in a keys directory, or in a backup of one; `None` where there is none.
pub(crate) fn keyring_of(dir: &Path) -> Result<Option<Keyring>> {
    let manifest = read_manifest(&DirStore::for_reading(dir))?;
    let names = manifest.iter().flat_map(|manifest| manifest.files.keys());
    let file = names.map(|name| dir.join(name)).find(|path| path.ends_with("keyring"));
    let place = file.as_deref().and_then(Path::parent).unwrap_or(dir);
    Ok(read_keyring(place)?)
}
