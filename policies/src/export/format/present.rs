//! Who was in a room at the beginning of a slice, as far as the evidence shows it: whoever was
//! joined, and whoever acts in it and of whom no membership is known.

use std::collections::HashMap;

use super::slices::Slice;
use crate::export::index::Index;

/// The people of all rooms.
pub(super) struct Present<'a> {
    index: &'a Index,
    of_rooms: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Present<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self { index, of_rooms: index.people_of_rooms() }
    }

    /// In order of names; in no room, those who act.
    pub(super) fn of(&self, slice: &Slice) -> Vec<String> {
        let mut users = slice.people();
        let Some(room) = slice.room.as_deref() else { return users };
        let known = self.of_rooms.get(room).map_or(&[][..], Vec::as_slice);
        users.extend(known.iter().map(|user| (*user).to_owned()));
        users.sort_unstable();
        users.dedup();
        users.retain(|user| self.index.joined(room, user, slice.first()).unwrap_or(true));
        users
    }
}

/// Those who act in a slice, and then those who were only there.
pub(super) fn everybody(slice: &Slice, present: &[String]) -> Vec<String> {
    let mut people = slice.people();
    let others = present.iter().filter(|user| people.binary_search(user).is_err());
    let others: Vec<_> = others.cloned().collect();
    people.extend(others);
    people
}
