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
}
