//! The tree of rooms below a space.
//!
//! Owns the order of children (client-server API, "Ordering of children within a space") and the
//! walk, depth first and each room once. Bounded: a tree shows at most [`ROOMS_MAX`] rooms.

use std::collections::HashSet;

use facts::StreamId;
use projections::{
    Snapshot,
    query::{EventInfo, StoreError},
};
use serde_json::Value;

use crate::{
    client_event::stripped,
    room_digest::{RoomDigest, room_digest},
};

/// Rooms of one tree.
pub(super) const ROOMS_MAX: usize = 1_000;

/// What to walk.
pub(super) struct TreeWalk<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) user: StreamId,
    pub(super) depth_max: usize,
    pub(super) suggested_only: bool,
}

/// A room of the tree with its child events.
pub(super) struct TreeRoom {
    pub(super) digest: RoomDigest,
    pub(super) children: Vec<EventInfo>,
}

impl TreeWalk<'_> {
    /// The first `upto` rooms of the tree below `root`, which the caller may see.
    pub(super) fn rooms(&self, root: StreamId, upto: usize) -> Result<Vec<TreeRoom>, StoreError> {
        let mut rooms = Vec::new();
        let mut seen = HashSet::from([root]);
        let mut stack = vec![(root, 0)];
        while let Some((room, depth)) = stack.pop() {
            if rooms.len() >= upto.min(ROOMS_MAX) {
                break;
            }
            let Some(digest) = room_digest(self.snapshot, room)? else { continue };
            if !digest.is_shown_to(self.snapshot, self.user)? {
                continue;
            }
            let children = self.children(&digest)?;
            if depth < self.depth_max {
                // The stack gives back the last one first.
                for child in children.iter().rev() {
                    if let Some(child) = self.room_of(child)?
                        && seen.insert(child)
                    {
                        stack.push((child, depth + 1));
                    }
                }
            }
            rooms.push(TreeRoom { digest, children });
        }
        Ok(rooms)
    }

    fn room_of(&self, child: &EventInfo) -> Result<Option<StreamId>, StoreError> {
        match &child.row.state {
            Some((_, room_id)) => self.snapshot.room(room_id),
            None => Ok(None),
        }
    }

    fn children(&self, of: &RoomDigest) -> Result<Vec<EventInfo>, StoreError> {
        if of.room_type.as_deref() != Some("m.space") {
            return Ok(Vec::new());
        }
        let mut children = Vec::new();
        for entry in self.snapshot.current_state_of_type(of.room, "m.space.child")? {
            let Some(event) = self.snapshot.event_at(entry.event)? else { continue };
            if has_via(&event) && (!self.suggested_only || is_suggested(&event)) {
                children.push(event);
            }
        }
        children.sort_by_cached_key(child_order);
        Ok(children)
    }
}

impl TreeRoom {
    /// A room of the answer.
    pub(super) fn into_json(self) -> Value {
        let mut json = self.digest.summary_json();
        let children: Vec<Value> = self.children.iter().map(child_json).collect();
        json.insert("children_state".to_owned(), Value::Array(children));
        Value::Object(json)
    }
}

fn child_json(event: &EventInfo) -> Value {
    let mut json = stripped(event);
    let sent = event.shown().get("origin_server_ts").cloned();
    if let (Some(sent), Some(json)) = (sent, json.as_object_mut()) {
        json.insert("origin_server_ts".to_owned(), sent);
    }
    json
}

/// A child without `via` was removed.
fn has_via(event: &EventInfo) -> bool {
    let via = event.content().and_then(|content| content.get("via")?.as_array());
    via.is_some_and(|via| !via.is_empty())
}

fn is_suggested(event: &EventInfo) -> bool {
    let suggested = event.content().and_then(|content| content.get("suggested")?.as_bool());
    suggested == Some(true)
}

/// Those with a valid `order` come first; then by time, then by room id.
fn child_order(event: &EventInfo) -> (bool, String, i64, String) {
    let order = event
        .content()
        .and_then(|content| content.get("order")?.as_str())
        .filter(|order| is_order(order))
        .unwrap_or_default();
    let sent = event.shown().get("origin_server_ts").and_then(Value::as_i64).unwrap_or(0);
    let room_id = event.str("state_key").unwrap_or_default();
    (order.is_empty(), order.to_owned(), sent, room_id.to_owned())
}

/// At most 50 characters of printable ASCII.
fn is_order(order: &str) -> bool {
    order.len() <= 50 && order.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}
