//! One copy that may be newer: a data directory, a backup, or one that is elsewhere, of which what
//! matters is brought here.
//!
//! Owns finding its segments, its checkpoints, and what is kept beside its manifest. An order that
//! does not open is not passed over, unless it is given up by its number.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use event_log::{
    backup::{SegmentPath, open_order, segment_paths},
    ledger::{CHECKPOINT_FILE, is_own_word},
};
use facts::{Incarnation, LogPosition, fact::ShredOrdered};

use super::{Older, parse};
use crate::backup::{
    BackupRefusal, There,
    beside::{BESIDE_BYTES_MAX, BesideKind, BesideName},
    digest,
    inspect::is_backup,
    manifest::Kind,
    place::Place,
    restore,
    store::Store,
    target::manifest_of,
};

/// Checkpoints that are looked at for one that we signed.
const CHECKPOINTS_MAX: usize = 100;

/// Segments of a data directory or of a backup in a directory, and checkpoints beside them.
pub(super) struct Copy {
    pub(super) place: String,
    pub(super) segments: Vec<SegmentPath>,
    pub(super) checkpoints: Vec<String>,
    /// Whose log it is and in which incarnation, by its manifest.
    pub(super) about: Option<(String, Incarnation)>,
    /// Orders that are kept by themselves, each with its incarnation.
    pub(super) orders: BTreeMap<LogPosition, (Incarnation, ShredOrdered)>,
    /// Every order among so many entries is in the segments or kept by itself.
    pub(super) orders_known: u64,
    /// What was brought here lives as long as this.
    _store: Option<Box<dyn Store>>,
}

impl Copy {
    /// Opens a copy; of one that is elsewhere, what is from the older one's end on is brought here.
    pub(super) fn open(place: &Place, older: &Older<'_>, given_up: Option<u64>) -> Result<Self> {
        match place {
            Place::Dir(path) if !is_backup(path) => Self::of_data_dir(path),
            _ => Self::of_backup(place, older, given_up),
        }
    }

    fn of_backup(place: &Place, older: &Older<'_>, given_up: Option<u64>) -> Result<Self> {
        let store = place.open()?;
        let manifest = manifest_of(&*store, Kind::Log)?;
        let mut segments = Vec::new();
        for (name, entry, segment) in manifest.segments() {
            let path = match place {
                Place::Dir(dir) => dir.join(name),
                Place::S3 { .. } if segment.last < older.end => continue,
                Place::S3 { .. } => {
                    let path = store.staging().join(format!("{:020}", segment.first.0));
                    restore::fetch(&*store, name, entry, &path)?;
                    path
                }
            };
            segments.push(SegmentPath { first: segment.first, path });
        }
        let about = &manifest.about;
        let mut copy = Self {
            place: place.to_string(),
            segments,
            checkpoints: about.checkpoint.iter().cloned().collect(),
            about: Some((about.log_id.clone(), Incarnation(about.incarnation))),
            orders: BTreeMap::new(),
            orders_known: 0,
            _store: None,
        };
        if about.log_id == older.log_id {
            copy.read_orders(&*store, older, given_up)?;
            copy.read_checkpoints(&*store, older)?;
        }
        Ok(Self { _store: Some(store), ..copy })
    }

    /// Orders that are kept by themselves. One that does not open may be anybody's, and is not
    /// passed over all the same.
    fn read_orders(
        &mut self,
        store: &dyn Store,
        older: &Older<'_>,
        given_up: Option<u64>,
    ) -> Result<()> {
        for name in names(store, BesideKind::Order)? {
            if name.at <= older.end.0 {
                continue;
            }
            let bytes = small(store, &name)?;
            let Ok((incarnation, order)) =
                open_order(older.keyring.log_id(), &bytes.into(), older.keyring)
            else {
                unless_given_up(&self.place, LogPosition(name.at), given_up)?;
                continue;
            };
            self.orders.insert(order.position, (incarnation, order.ordered));
        }
        let named = self.about.as_ref().map(|(_, incarnation)| *incarnation);
        self.orders.retain(|_, (incarnation, _)| Some(*incarnation) == named);
        Ok(())
    }

    /// Checkpoints that are kept by themselves. The newest one may keep the older copy from going
    /// on, whoever signed it; how far orders are known is said by the newest that we signed.
    fn read_checkpoints(&mut self, store: &dyn Store, older: &Older<'_>) -> Result<()> {
        let Some((_, incarnation)) = &self.about else { return Ok(()) };
        let mut names = names(store, BesideKind::Checkpoint)?;
        names.retain(|name| name.incarnation == incarnation.0);
        for (number, name) in names.iter().rev().take(CHECKPOINTS_MAX).enumerate() {
            let note = String::from_utf8_lossy(&small(store, name)?).into_owned();
            let (checkpoint, _) = parse(&note)
                .with_context(|| format!("{name} in {} is no checkpoint", self.place))?;
            let ours = is_own_word(older.keys_dir, &note)?;
            if number == 0 {
                self.checkpoints.push(note);
            }
            if ours {
                self.orders_known = checkpoint.size;
                break;
            }
        }
        Ok(())
    }

    fn of_data_dir(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let segments = segment_paths(&path.join("log").join("segments")).with_context(|| {
            let there = There::in_dir(path);
            format!("{place} is neither a data directory (`log/segments`) nor a backup: {there}")
        })?;
        let file = path.join("keyring").join(CHECKPOINT_FILE);
        Ok(Self {
            place,
            segments,
            checkpoints: std::fs::read_to_string(file).ok().into_iter().collect(),
            about: None,
            orders: BTreeMap::new(),
            orders_known: 0,
            _store: None,
        })
    }
}

/// Refuses to pass over an order that does not open.
pub(super) fn unless_given_up(
    place: &str,
    order: LogPosition,
    given_up: Option<u64>,
) -> Result<()> {
    if given_up.is_some_and(|through| order.0 < through) {
        return Ok(());
    }
    let place = place.to_owned();
    Err(BackupRefusal::OrderNotOpened { place, order }.into())
}

/// Names of files beside the manifest, in order of incarnation and position.
fn names(store: &dyn Store, kind: BesideKind) -> Result<Vec<BesideName>> {
    let listed = store.list_kept(kind.folder())?;
    let mut found: Vec<_> = listed.iter().filter_map(|name| BesideName::parse(name)).collect();
    found.sort();
    Ok(found)
}

/// A small file, held against its name.
fn small(store: &dyn Store, name: &BesideName) -> Result<Vec<u8>> {
    let damaged = |what: &str| BackupRefusal::Damaged {
        file: format!("{name} in {}", store.name()),
        what: what.to_owned(),
    };
    let bytes = store.read_small(&name.to_string(), &name.sha256, BESIDE_BYTES_MAX)?;
    let bytes = bytes.ok_or_else(|| damaged("it is not there any more"))?;
    if digest::of_bytes(&bytes) != name.sha256 {
        return Err(damaged("another SHA-256").into());
    }
    Ok(bytes)
}
