//! The whole answer of `/sync`, from one snapshot.
//!
//! Owns the choice of rooms and the order of sections. Cost follows what changed: an incremental
//! answer looks at no room that did not move.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use facts::{LogPosition, StreamId, Timestamp};
use projections::{
    Snapshot,
    query::{AccountDataItem, Membership, RoomMembership},
};
use serde_json::{Map, Value, json};

use super::{
    account_data, device_lists, filter::SyncFilter, invited, left, query::StateDialect, room,
    to_device, token::SyncToken,
};
use crate::{
    client_event::{EventWriter, Reader},
    fault::ReadFault,
    typing::Typing,
    visibility::Viewer,
};

/// Rooms with typing news that one answer looks at.
const TYPING_ROOMS_MAX: usize = 1_000;

/// Who asks, and how.
pub(crate) struct Asker {
    pub(crate) user: StreamId,
    pub(crate) user_id: String,
    pub(crate) device_id: Option<String>,
    pub(crate) use_state_after: StateDialect,
    pub(crate) full_state: bool,
    pub(crate) filter: SyncFilter,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) json: Value,
    /// False where a long-poll goes on waiting.
    pub(crate) has_news: bool,
    /// Key counts: a change of them is news too.
    pub(crate) keys: (Value, Value),
}

/// Everything that the sections of one answer share.
pub(crate) struct Look<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) typing: &'a Typing,
    pub(crate) asker: &'a Asker,
    pub(crate) since: Option<SyncToken>,
    /// Typing changes after this serial are news; 0 for another start of the server.
    pub(crate) typing_since: u64,
    pub(crate) now: Timestamp,
    pub(crate) viewer: Viewer<'a>,
    /// Joined rooms that moved since then; none in a first answer, which looks at all.
    pub(crate) moved: Vec<RoomMembership>,
    /// Account data, global and of rooms, that changed since then.
    pub(crate) data: Vec<AccountDataItem>,
}

impl Look<'_> {
    /// Writes a room's events. Aggregations are bundled where the client may lack the children
    /// that it would aggregate itself (client-server API, "Aggregations of child events").
    pub(crate) fn writer<'a>(&'a self, room_id: &'a str, limited: bool) -> EventWriter<'a> {
        let device_id = self.asker.device_id.as_deref();
        EventWriter {
            snapshot: self.snapshot,
            room_id,
            reader: Reader { viewer: &self.viewer, device_id, now: self.now },
            form: self.asker.filter.form(),
            bundles: limited,
        }
    }

    /// The position from which the answer tells; 0 for all.
    pub(crate) fn from(&self) -> LogPosition {
        self.since.map_or(LogPosition(0), |since| since.position)
    }
}

/// Computes the answer for (since, checkpoint of the snapshot].
pub(crate) fn answer(
    snapshot: &Snapshot,
    typing: &Typing,
    asker: &Asker,
    since: Option<SyncToken>,
    boot: u32,
    now: Timestamp,
) -> Result<Answer, ReadFault> {
    // Read before the rooms: a change in between is told once more, never missed.
    let typing_now = typing.serial();
    let typing_since = since.filter(|since| since.boot == boot).map_or(0, |since| since.typing);
    let (moved, data) = match since {
        Some(since) => (
            snapshot.moved_rooms_of(asker.user, since.position)?,
            snapshot.account_data_since(asker.user, since.position)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let viewer = Viewer::of(snapshot, asker.user, &asker.user_id)?;
    let look = Look { snapshot, typing, asker, since, typing_since, now, viewer, moved, data };
    let (messages, to_device_upto) = to_device::section(&look)?;
    let rooms = rooms(&look)?;
    let global = account_data::global(&look)?;
    let devices = device_lists::section(&look)?;
    let keys = device_lists::key_counts(&look)?;
    let has_news = !messages.is_empty()
        || !rooms.is_empty()
        || !global.is_empty()
        || devices.as_ref().is_some_and(device_lists::is_news);
    let checkpoint = snapshot.checkpoint();
    let next = SyncToken {
        log_id: checkpoint.log_id,
        incarnation: checkpoint.incarnation,
        position: checkpoint.position,
        to_device: to_device_upto,
        boot,
        typing: typing_now,
    };
    let mut json = json!({
        "next_batch": next.to_string(),
        "account_data": { "events": global },
        "to_device": { "events": messages },
        "rooms": Value::Object(rooms),
        "device_one_time_keys_count": keys.0,
        "device_unused_fallback_key_types": keys.1,
    });
    if let (Some(devices), Some(json)) = (devices, json.as_object_mut()) {
        json.insert("device_lists".to_owned(), devices);
    }
    Ok(Answer { json, has_news, keys })
}

fn rooms(look: &Look<'_>) -> Result<Map<String, Value>, ReadFault> {
    let mut sections = Sections::default();
    for member in rooms_to_look_at(look)? {
        let Some(room_id) = look.snapshot.name(member.room)? else { continue };
        if !look.asker.filter.wants_room(&room_id) {
            continue;
        }
        match member.membership {
            Membership::Join => {
                if let Some(room) = room::joined(look, &member, &room_id)? {
                    sections.join.insert(room_id, room);
                }
            }
            Membership::Invite if is_news(look, &member) => {
                if let Some(room) = invited::invited(look, &member)? {
                    sections.invite.insert(room_id, room);
                }
            }
            Membership::Knock if is_news(look, &member) => {
                sections.knock.insert(room_id, invited::knocked(look, &member)?);
            }
            Membership::Leave | Membership::Ban => {
                if let Some(room) = left::left(look, &member, &room_id)? {
                    sections.leave.insert(room_id, room);
                }
            }
            Membership::Invite | Membership::Knock => {}
        }
    }
    Ok(sections.into_json())
}

/// Invites and knocks are told once.
fn is_news(look: &Look<'_>, member: &RoomMembership) -> bool {
    look.asker.full_state || member.changed > look.from()
}

/// All rooms of the user for a first answer; those that moved, or where something is new for this
/// user alone, for an incremental one, which looks at no other.
fn rooms_to_look_at(look: &Look<'_>) -> Result<Vec<RoomMembership>, ReadFault> {
    let (snapshot, user) = (look.snapshot, look.asker.user);
    if look.since.is_none() || look.asker.full_state {
        return Ok(snapshot.rooms_of(user)?);
    }
    let mut rooms: BTreeMap<StreamId, RoomMembership> =
        look.moved.iter().map(|member| (member.room, *member)).collect();
    let changed = snapshot.membership_changes(user, look.from())?;
    let mut others: BTreeSet<StreamId> = changed.into_iter().map(|(room, _, _)| room).collect();
    others.extend(look.data.iter().filter_map(|item| item.room));
    others.extend(look.typing.changed_rooms(look.typing_since, TYPING_ROOMS_MAX));
    for room in others {
        if let Entry::Vacant(entry) = rooms.entry(room)
            && let Some(member) = snapshot.membership(user, room)?
        {
            entry.insert(member);
        }
    }
    Ok(rooms.into_values().collect())
}

#[derive(Default)]
struct Sections {
    join: Map<String, Value>,
    invite: Map<String, Value>,
    knock: Map<String, Value>,
    leave: Map<String, Value>,
}

impl Sections {
    fn into_json(self) -> Map<String, Value> {
        [("join", self.join), ("invite", self.invite), ("knock", self.knock), ("leave", self.leave)]
            .into_iter()
            .filter(|(_, rooms)| !rooms.is_empty())
            .map(|(name, rooms)| (name.to_owned(), Value::Object(rooms)))
            .collect()
    }
}
