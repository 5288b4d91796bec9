//! Copying what is off-site back into a directory, to be verified there.
//!
//! Owns what is copied: of a backup what its manifest names and what lies beside it, each in the
//! version that it tells; of anything else the newest version of every object, also of one that was
//! deleted since. Judges nothing: that is the verifying's.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};

use super::{
    BackupRefusal, Place, There, Wanted,
    beside::{BESIDE_BYTES_MAX, BesideName},
    digest,
    dir_store::make_dir,
    manifest::{MANIFEST, Manifest, is_inside},
    store::Store as _,
};

/// Copies a place of a bucket into a directory that is not there. Where neither an export nor a
/// backup is in it by its names, nothing is copied.
pub(crate) fn copy_back(place: &Place, to: &Path) -> Result<()> {
    let store = place.reading()?;
    let names = store.list_kept("")?;
    let there = There::by_names(&names);
    if !matches!(there, There::Export | There::Backup) {
        let (place, wanted) = (place.to_string(), Wanted::InBucket);
        return Err(BackupRefusal::Nothing { place, wanted, there }.into());
    }
    make_dir(to)?;
    let text = store.manifest()?;
    let manifest = text.as_deref().map(Manifest::parse).and_then(Result::ok);
    let hash = |name: &str| {
        let beside = || BesideName::parse(name).map(|beside| (beside.sha256, BESIDE_BYTES_MAX));
        let entry = manifest.as_ref()?.files.get(name);
        entry.map(|entry| (entry.sha256.clone(), entry.bytes)).or_else(beside)
    };
    // Of a backup the manifest that counts, and nothing that an earlier one named.
    let wanted: BTreeSet<_> = match &manifest {
        None => names,
        Some(_) => names.into_iter().filter(|name| hash(name).is_some()).collect(),
    };
    for name in wanted.iter().filter(|name| is_inside(name)) {
        let path = to.join(name);
        make_dir(path.parent().context("a name below the directory")?)?;
        match hash(name) {
            Some((sha256, most)) => store.fetch(name, &sha256, &path, most).map(|_| ())?,
            None => store.newest(name, &path).map(|_| ())?,
        }
    }
    if let Some(text) = text.filter(|_| manifest.is_some()) {
        digest::write(&to.join(MANIFEST), text.as_bytes())?;
    }
    Ok(())
}
