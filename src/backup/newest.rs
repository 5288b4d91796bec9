//! What is known of the part of a log that an older copy does not have: above all its orders to
//! destroy, which the older copy must carry out before anything is read from it.
//!
//! Owns the rule (LOG.md section 6): orders come from the newest copy that can be reached, and
//! where a checkpoint shows that there was more, nothing goes on unless somebody gives up exactly
//! that much.

mod copy;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use event_log::{
    Digest, Keyring,
    backup::read_newer,
    ledger::{Checkpoint, Note, Origin},
};
use facts::{Incarnation, LogPosition, fact::ShredOrdered};

use self::copy::{Copy, unless_given_up};
use super::{BackupRefusal, place::Place};

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
            let copy = Copy::open(path, older, request.give_up_through)?;
            if newest.take(older, &copy, request.give_up_through)? {
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
    fn take(&mut self, older: &Older<'_>, copy: &Copy, given_up: Option<u64>) -> Result<bool> {
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
            for order in &found.unopened {
                unless_given_up(&copy.place, *order, given_up)?;
            }
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

/// A checkpoint and whose it is. Its signature is not looked at: a checkpoint only ever keeps
/// something from being done here.
pub(super) fn parse(note: &str) -> Option<(Checkpoint, Origin)> {
    let checkpoint = Checkpoint::parse(&Note::parse(note).ok()?.text)?;
    let origin = Origin::parse(&checkpoint.origin)?;
    Some((checkpoint, origin))
}
