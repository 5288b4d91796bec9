//! The participants of an RSMF manifest.
//!
//! Owns their ids. The format has one name for a participant; people change theirs within a day. So
//! each name under which somebody is seen is a participant of its own, and all of one person have
//! the same `account_id`.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::export::{
    format::{safe::inline, slices::Slice},
    index::Index,
};

/// The participants, as they are mentioned.
pub(super) struct People<'a> {
    index: &'a Index,
    room: Option<String>,
    /// By person, their names and the id under each.
    ids: HashMap<String, HashMap<Option<&'a str>, String>>,
    /// In order of mention.
    pub(super) listed: Vec<Value>,
}

impl<'a> People<'a> {
    pub(super) fn new(index: &'a Index, slice: &Slice) -> Self {
        Self { index, room: slice.room.clone(), ids: HashMap::new(), listed: Vec::new() }
    }

    /// The id of a person under the name that they had at a position.
    pub(super) fn id(&mut self, user: &str, at: u64) -> String {
        let room = self.room.as_deref();
        let name = room.and_then(|room| self.index.display_name(room, user, at));
        let ids = self.ids.entry(user.to_owned()).or_default();
        if let Some(id) = ids.get(&name) {
            return id.clone();
        }
        // A user's id has no blank, so none of these is another's.
        let id = match ids.len() {
            0 => user.to_owned(),
            others => format!("{user} {}", others + 1),
        };
        ids.insert(name, id.clone());
        let display = inline(name.filter(|name| !name.is_empty()).unwrap_or(user));
        self.listed.push(json!({ "id": id, "display": display, "account_id": user }));
        id
    }

    /// Who was in the room at the beginning of a slice, as far as the evidence shows it: whoever
    /// was joined, and whoever acts in it and of whom no membership is known.
    pub(super) fn present(
        &mut self,
        slice: &Slice,
        of_rooms: &HashMap<&str, Vec<&str>>,
    ) -> Vec<String> {
        let (Some(room), first) = (slice.room.as_deref(), slice.first()) else {
            return slice.people().iter().map(|user| self.id(user, slice.first())).collect();
        };
        let known = of_rooms.get(room).map_or(&[][..], Vec::as_slice);
        let mut users: Vec<&str> = known.to_vec();
        let people = slice.people();
        users.extend(people.iter().map(String::as_str));
        users.sort_unstable();
        users.dedup();
        users.retain(|user| self.index.joined(room, user, first).unwrap_or(true));
        users.into_iter().map(|user| self.id(user, first)).collect()
    }
}
