//! What is known of the part of a log that an older copy does not have: above all its orders to
//! destroy, which the older copy must carry out before anything is read from it.
//!
//! Owns the rule (LOG.md section 6): orders come from the newest copy that can be reached, and
//! where a checkpoint shows that there was more, nothing goes on unless somebody gives up exactly
//! that much.

use std::path::Path;

use anyhow::{Context as _, Result};
use event_log::{
    Digest, Keyring,
    backup::{SegmentPath, read_newer, segment_paths},
    ledger::{CHECKPOINT_FILE, Checkpoint, Note, Origin},
};
use facts::{Incarnation, LogPosition, fact::ShredOrdered};

use super::{
    BackupRefusal, inspect::is_backup, manifest::Kind, place::Place, restore, store::Store,
    target::manifest_of,
};

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
}

/// Segments of a data directory or of a backup in a directory, and checkpoints beside them.
struct Copy {
    place: String,
    segments: Vec<SegmentPath>,
    checkpoint: Option<String>,
    /// What was brought here lives as long as this.
    _store: Option<Box<dyn Store>>,
}

impl Newest {
    /// Looks at every copy; the newest one that has the older copy's history counts.
    pub(super) fn find(older: &Older<'_>, request: &NewestRequest) -> Result<Self> {
        let mut newest = Self {
            orders: Vec::new(),
            incarnation: older.incarnation,
            entries: older.end.0 + 1,
            place: None,
        };
        let mut checkpoints = request.checkpoints.clone();
        for path in &request.copies {
            let copy = Copy::open(path, older.end)?;
            newest.take(older, &copy)?;
            checkpoints.extend(copy.checkpoint.map(|note| (copy.place, note)));
        }
        for (place, note) in &checkpoints {
            newest.hold_against(older, place, note, request.give_up_through)?;
        }
        Ok(newest)
    }

    fn take(&mut self, older: &Older<'_>, copy: &Copy) -> Result<()> {
        let place = || copy.place.clone();
        let found = read_newer(&copy.segments, older.keyring, older.end)
            .with_context(|| format!("the orders in {} are not known", copy.place))?;
        let Some((log_id, head)) = found.log_id.zip(found.head) else { return Ok(()) };
        if log_id.to_string() != older.log_id {
            let (expected, found) = (older.log_id.to_owned(), log_id.to_string());
            return Err(BackupRefusal::OtherLog { place: place(), expected, found }.into());
        }
        self.incarnation = self.incarnation.max(found.incarnation.unwrap_or(Incarnation(1)));
        if head < older.end {
            return Ok(());
        }
        if found.digest != Some(older.digest) {
            return Err(BackupRefusal::OtherHistory { place: place(), at: older.end }.into());
        }
        if head.0 + 1 > self.entries {
            self.entries = head.0 + 1;
            self.place = Some(place());
            self.orders = found.orders.into_iter().map(|order| order.ordered).collect();
        }
        Ok(())
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
    /// Opens a copy; of one that is elsewhere, what is from `end` on is brought here.
    fn open(place: &Place, end: LogPosition) -> Result<Self> {
        match place {
            Place::Dir(path) if !is_backup(path) => Self::of_data_dir(path),
            _ => Self::of_backup(place, end),
        }
    }

    fn of_backup(place: &Place, end: LogPosition) -> Result<Self> {
        let store = place.open()?;
        let manifest = manifest_of(&*store, Kind::Log)?;
        let mut segments = Vec::new();
        for (name, entry, segment) in manifest.segments() {
            let path = match place {
                Place::Dir(dir) => dir.join(name),
                Place::S3 { .. } if segment.last < end => continue,
                Place::S3 { .. } => {
                    let path = store.staging().join(format!("{:020}", segment.first.0));
                    restore::fetch(&*store, name, entry, &path)?;
                    path
                }
            };
            segments.push(SegmentPath { first: segment.first, path });
        }
        Ok(Self {
            place: place.to_string(),
            segments,
            checkpoint: manifest.about.checkpoint,
            _store: Some(store),
        })
    }

    fn of_data_dir(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let segments = segment_paths(&path.join("log").join("segments"))
            .with_context(|| format!("{place} is neither a data directory nor a backup"))?;
        let file = path.join("keyring").join(CHECKPOINT_FILE);
        Ok(Self { place, segments, checkpoint: std::fs::read_to_string(file).ok(), _store: None })
    }
}

/// A checkpoint and whose it is. Its signature is not looked at: a checkpoint only ever keeps
/// something from being done here.
pub(super) fn parse(note: &str) -> Option<(Checkpoint, Origin)> {
    let checkpoint = Checkpoint::parse(&Note::parse(note).ok()?.text)?;
    let origin = Origin::parse(&checkpoint.origin)?;
    Some((checkpoint, origin))
}
