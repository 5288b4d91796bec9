//! A target, and the rule of what may be backed up over what.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

use super::{
    BackupPoint, BackupRefusal, There, Wanted,
    beside::BesideName,
    dir_store::{BeforeStep, DirStore},
    manifest::{FileEntry, Kind, Manifest},
    store::Store,
};

/// A target that is written to.
pub(crate) struct Target {
    pub(super) store: Box<dyn Store>,
    /// What it holds by its manifest.
    pub(super) before: Option<Manifest>,
    /// What lies there, named by the manifest or not.
    pub(super) there: BTreeMap<String, u64>,
    kind: Kind,
}

impl Target {
    /// Opens a directory for a backup of the log, or of its keys, that stands at `point`.
    pub(crate) fn open(dir: &Path, kind: Kind, point: &BackupPoint) -> Result<Self> {
        Self::open_with(dir, kind, point, Box::new(|_| Ok(())))
    }

    pub(super) fn open_with(
        dir: &Path,
        kind: Kind,
        point: &BackupPoint,
        before: BeforeStep,
    ) -> Result<Self> {
        Self::over(Box::new(DirStore::for_writing(dir, before)?), kind, point)
    }

    /// The same over any store.
    pub(super) fn over(store: Box<dyn Store>, kind: Kind, point: &BackupPoint) -> Result<Self> {
        let before = read_manifest(&*store)?;
        if let Some(before) = &before {
            check(before, kind, point, &store.name())?;
        }
        let there = store.list()?;
        Ok(Self { store, before, there, kind })
    }

    /// An entry of the manifest before, if its file is there as it says.
    pub(super) fn known(&self, name: &str) -> Option<&FileEntry> {
        let entry = self.before.as_ref()?.files.get(name)?;
        (self.there.get(name) == Some(&entry.bytes)).then_some(entry)
    }

    /// Makes `manifest` what the target holds, then lets go of everything else.
    ///
    /// A crash before the manifest leaves the backup before, and files that the next run takes
    /// up; one after it leaves files too many, which the next run removes.
    pub(super) fn commit(mut self, manifest: &Manifest) -> Result<u64> {
        debug_assert_eq!(manifest.about.kind, self.kind);
        self.store.put_manifest(&manifest.to_text()?)?;
        let mut removed = 0;
        for name in self.store.list()?.keys() {
            if !manifest.files.contains_key(name) && BesideName::parse(name).is_none() {
                // A wrapping key is overwritten before it goes: what it opens must not come back.
                let before = self.before.as_ref().and_then(|before| before.files.get(name));
                let lock = before.map(FileEntry::lock).unwrap_or_default();
                self.store.remove(name, lock, self.kind == Kind::Keys)?;
                removed += 1;
            }
        }
        self.store.finish()?;
        Ok(removed)
    }
}

/// The manifest of a store, if there is one.
pub(super) fn read_manifest(store: &dyn Store) -> Result<Option<Manifest>> {
    let text = store.manifest()?;
    let parsed = text.map(|text| Manifest::parse(&text)).transpose();
    parsed.map_err(|fault| BackupRefusal::Manifest { place: store.name(), fault }.into())
}

/// The manifest of a backup of this kind.
pub(super) fn manifest_of(store: &dyn Store, kind: Kind) -> Result<Manifest> {
    let Some(manifest) = read_manifest(store)? else {
        let (place, wanted) = (store.name(), Wanted::Backup);
        let there = There::by_names(&store.list_kept("")?);
        return Err(BackupRefusal::Nothing { place, wanted, there }.into());
    };
    if manifest.about.kind != kind {
        return Err(other_kind(store.name(), kind).into());
    }
    Ok(manifest)
}

pub(super) fn check(
    before: &Manifest,
    kind: Kind,
    point: &BackupPoint,
    place: &str,
) -> Result<(), BackupRefusal> {
    let about = &before.about;
    let place = || place.to_owned();
    if about.kind != kind {
        return Err(other_kind(place(), kind));
    }
    if about.log_id != point.log_id {
        let (expected, found) = (point.log_id.clone(), about.log_id.clone());
        return Err(BackupRefusal::OtherLog { place: place(), expected, found });
    }
    if kind == Kind::Keys {
        // Keys of an earlier incarnation are among the present ones.
        return Ok(());
    }
    if about.incarnation != point.incarnation {
        let (current, found) = (point.incarnation, about.incarnation);
        return Err(BackupRefusal::OtherIncarnation { place: place(), current, found });
    }
    if about.head > point.head {
        return Err(BackupRefusal::Ahead { place: place(), head: point.head, found: about.head });
    }
    Ok(())
}

fn other_kind(found: String, wanted: Kind) -> BackupRefusal {
    let words = |kind| match kind {
        Kind::Log => "a log",
        Kind::Keys => "keys",
    };
    let is = if wanted == Kind::Log { Kind::Keys } else { Kind::Log };
    BackupRefusal::OtherKind { found, is: words(is), wanted: words(wanted) }
}
