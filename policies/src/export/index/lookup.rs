//! What an index of an export is asked: names as they were, and what became of an event.
//!
//! Owns nothing; looks only into what the one pass has gathered.

use std::collections::HashMap;

use super::{Became, Index, Key, Place, key, slot_of};

impl Index {
    /// Items of the export.
    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// The display name of a person in a room just before a position.
    pub(crate) fn display_name(&self, room: &str, user: &str, at: u64) -> Option<&str> {
        let room = *self.room_numbers.get(room)?;
        let names = self.member_names.get(&(room, user.to_owned()))?;
        let before = names.partition_point(|(position, ..)| *position <= at);
        // Before the first that is known there is none: the person just came.
        names[..before].last()?.1.as_deref()
    }

    /// Whether a person was joined to a room at a position; `None` where no membership of theirs is
    /// known.
    pub(crate) fn joined(&self, room: &str, user: &str, at: u64) -> Option<bool> {
        let room = *self.room_numbers.get(room)?;
        let taken = self.member_names.get(&(room, user.to_owned()))?;
        let before = taken.partition_point(|(position, ..)| *position <= at);
        Some(taken[..before].last().is_some_and(|(.., joined)| *joined))
    }

    /// Everybody of whom a membership is known, by room, in order of names.
    pub(crate) fn people_of_rooms(&self) -> HashMap<&str, Vec<&str>> {
        let mut people: HashMap<&str, Vec<&str>> = HashMap::new();
        for (room, user) in self.member_names.keys() {
            let room = self.rooms.get(*room as usize).map_or("", String::as_str);
            people.entry(room).or_default().push(user);
        }
        for users in people.values_mut() {
            users.sort_unstable();
        }
        people
    }

    /// The name of a room at a position.
    pub(crate) fn room_name(&self, room: &str, at: u64) -> Option<&str> {
        let names = self.room_names.get(self.room_numbers.get(room)?)?;
        let before = names.partition_point(|(position, _)| *position <= at);
        Some(names[..before].last()?.1.as_str()).filter(|name| !name.is_empty())
    }

    /// Lines that say what became of an event, in order of the log. A few may be about another
    /// event; whoever reads them compares the id.
    pub(crate) fn later(&self, event_id: &str, what: Became) -> impl Iterator<Item = Place> + '_ {
        let key = key(event_id);
        let from = if self.may_be_later[slot_of(key, self.may_be_later.len())] {
            self.later.partition_point(|(k, w, _)| (k, w) < (&key, &what))
        } else {
            self.later.len()
        };
        let same = move |(k, w, _): &&(Key, Became, Place)| *k == key && *w == what;
        self.later[from..].iter().take_while(same).map(|(_, _, place)| *place)
    }

    /// Position of the event by which one was redacted first.
    pub(crate) fn redacted_by(&self, position: u64) -> Option<u64> {
        self.redacted.get(&position).map(|(_, by)| *by)
    }

    /// Where in the context the line of a redaction begins of which that alone tells.
    pub(crate) fn redaction_of_context(&self, position: u64) -> Option<u64> {
        self.redactions.get(&position).copied()
    }

    /// Media that the record names and of which the evidence has no proof; counted up to
    /// [`super::UNPROVEN_MAX`].
    pub(crate) fn unproven_media(&self) -> u64 {
        self.unproven.len() as u64
    }

    /// Where the line of a redaction is.
    pub(crate) fn redaction_at(&self, position: u64) -> Option<Place> {
        let offset = *self.places.get(&position)?;
        Some(Place { position, offset })
    }
}
