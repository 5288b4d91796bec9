//! What is known of the part of a log that an older copy does not have: above all its orders to
//! destroy, which the older copy must carry out before anything is read from it.
//!
//! Owns the rule (LOG.md section 6): orders come from the newest copy that can be reached, and
//! where a checkpoint shows that there was more, nothing goes on unless somebody gives up exactly
//! that much.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use event_log::{
    Digest, Keyring,
    backup::{SegmentPath, open_order, read_newer, segment_paths},
    ledger::{CHECKPOINT_FILE, Checkpoint, Note, Origin, is_own_word},
};
use facts::{Incarnation, LogPosition, fact::ShredOrdered};

use super::{
    BackupRefusal,
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

/// What to look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewestRequest {
    /// Data directories and backups that may be newer.
    pub(crate) copies: Vec<Place>,
    /// Checkpoints that somebody kept: where from, and the note.
    pub(crate) checkpoints: Vec<(String, String)>,
    /// Entries that are given up knowingly, with the orders among them.
    pub(crate) give_up_through: Option<u64>,
}

/// The older copy.
pub(super) struct Older<'a> {
    pub(super) log_id: &'a str,
    /// Its last entry.
    pub(super) end: LogPosition,
    /// And the digest of that.
    pub(super) digest: Digest,
    pub(super) incarnation: Incarnation,
    /// Opens orders.
    pub(super) keyring: &'a Keyring,
    /// Where the keys are that its checkpoints are signed with.
    pub(super) keys_dir: &'a Path,
}

/// What is known of what the older copy lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Orders to carry out.
    pub(crate) orders: Vec<ShredOrdered>,
    /// The highest incarnation that anybody has seen.
    pub(crate) incarnation: Incarnation,
    /// Entries of the newest copy.
    pub(crate) entries: u64,
    /// Where it is; `None` where there is none that is newer.
    pub(crate) place: Option<String>,
    /// The last entry of the segments that the orders were read from.
    read_through: LogPosition,
}

/// Segments of a data directory or of a backup in a directory, and checkpoints beside them.
struct Copy {
    place: String,
    segments: Vec<SegmentPath>,
    checkpoints: Vec<String>,
    /// Whose log it is and in which incarnation, by its manifest.
    about: Option<(String, Incarnation)>,
    /// Orders that are kept by themselves, each with its incarnation.
    orders: BTreeMap<LogPosition, (Incarnation, ShredOrdered)>,
    /// Every order among so many entries is in the segments or kept by itself.
    orders_known: u64,
    /// What was brought here lives as long as this.
    _store: Option<Box<dyn Store>>,
}

impl Newest {
    /// Looks at every copy; the newest one that has the older copy's history counts, and orders
    /// that any copy keeps by themselves behind what that one has.
    pub(super) fn find(older: &Older<'_>, request: &NewestRequest) -> Result<Self> {
        let mut newest = Self {
            orders: Vec::new(),
            incarnation: older.incarnation,
            entries: older.end.0 + 1,
            place: None,
            read_through: older.end,
        };
        let mut checkpoints = request.checkpoints.clone();
        let mut kept = BTreeMap::new();
        for path in &request.copies {
            let copy = Copy::open(path, older)?;
            if newest.take(older, &copy)? {
                kept.extend(copy.orders);
            }
            let notes = copy.checkpoints.into_iter().map(|note| (copy.place.clone(), note));
            checkpoints.extend(notes);
        }
        let beyond = |(at, (_, ordered))| (at > newest.read_through).then_some(ordered);
        let beyond: Vec<_> = kept.into_iter().filter_map(beyond).collect();
        newest.orders.extend(beyond);
        for (place, note) in &checkpoints {
            newest.hold_against(older, place, note, request.give_up_through)?;
        }
        Ok(newest)
    }

    /// Takes in a copy. True where orders that it keeps by themselves are of the same history.
    fn take(&mut self, older: &Older<'_>, copy: &Copy) -> Result<bool> {
        let place = || copy.place.clone();
        let found = read_newer(&copy.segments, older.keyring, older.end)
            .with_context(|| format!("the orders in {} are not known", copy.place))?;
        let of_segments = found.log_id.map(|id| id.to_string());
        let Some(log_id) = of_segments.or(copy.about.as_ref().map(|(id, _)| id.clone())) else {
            return Ok(false);
        };
        if log_id != older.log_id {
            let (expected, found) = (older.log_id.to_owned(), log_id);
            return Err(BackupRefusal::OtherLog { place: place(), expected, found }.into());
        }
        let named = copy.about.as_ref().map(|(_, incarnation)| *incarnation);
        let seen = found.incarnation.max(named).unwrap_or(Incarnation(1));
        self.incarnation = self.incarnation.max(seen);
        let head = found.head.filter(|head| *head >= older.end);
        if head.is_some() && found.digest != Some(older.digest) {
            return Err(BackupRefusal::OtherHistory { place: place(), at: older.end }.into());
        }
        // A copy that ends before cannot be compared: then its orders count where they were given
        // in the incarnation that the older copy is of.
        if head.is_none() && named != Some(older.incarnation) {
            return Ok(false);
        }
        let entries = head.map_or(0, |head| head.0 + 1).max(copy.orders_known);
        if entries > self.entries {
            self.entries = entries;
            self.place = Some(place());
        }
        if let Some(head) = head.filter(|head| *head > self.read_through) {
            self.read_through = head;
            self.orders = found.orders.into_iter().map(|order| order.ordered).collect();
        }
        Ok(true)
    }

    fn hold_against(
        &mut self,
        older: &Older<'_>,
        place: &str,
        note: &str,
        given_up: Option<u64>,
    ) -> Result<()> {
        let Some((checkpoint, origin)) = parse(note) else {
            anyhow::bail!("{place} has no checkpoint that can be read");
        };
        let found = origin.log_id.to_string();
        if found != older.log_id {
            let expected = older.log_id.to_owned();
            return Err(BackupRefusal::OtherLog { place: place.to_owned(), expected, found }.into());
        }
        self.incarnation = self.incarnation.max(origin.incarnation);
        let (covered, known) = (checkpoint.size, self.entries);
        if covered > known && given_up.is_none_or(|through| through < covered) {
            let place = place.to_owned();
            return Err(BackupRefusal::OrdersUnknown { place, covered, known }.into());
        }
        Ok(())
    }
}

impl Copy {
    /// Opens a copy; of one that is elsewhere, what is from the older one's end on is brought here.
    fn open(place: &Place, older: &Older<'_>) -> Result<Self> {
        match place {
            Place::Dir(path) if !is_backup(path) => Self::of_data_dir(path),
            _ => Self::of_backup(place, older),
        }
    }

    fn of_backup(place: &Place, older: &Older<'_>) -> Result<Self> {
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
            copy.read_orders(&*store, older)?;
            copy.read_checkpoints(&*store, older)?;
        }
        Ok(Self { _store: Some(store), ..copy })
    }

    /// Orders that are kept by themselves. One that does not open is no order of this log.
    fn read_orders(&mut self, store: &dyn Store, older: &Older<'_>) -> Result<()> {
        for name in names(store, BesideKind::Order)? {
            if name.at <= older.end.0 {
                continue;
            }
            let bytes = small(store, &name)?;
            let log_id = older.keyring.log_id();
            let (incarnation, order) = open_order(log_id, &bytes.into(), older.keyring)
                .with_context(|| format!("{name} in {} cannot be read", self.place))?;
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
        let segments = segment_paths(&path.join("log").join("segments"))
            .with_context(|| format!("{place} is neither a data directory nor a backup"))?;
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

/// A checkpoint and whose it is. Its signature is not looked at: a checkpoint only ever keeps
/// something from being done here.
pub(super) fn parse(note: &str) -> Option<(Checkpoint, Origin)> {
    let checkpoint = Checkpoint::parse(&Note::parse(note).ok()?.text)?;
    let origin = Origin::parse(&checkpoint.origin)?;
    Some((checkpoint, origin))
}
