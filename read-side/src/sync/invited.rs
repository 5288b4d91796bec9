//! Rooms to which the user is invited, or on which they knock, in `/sync`.

use projections::query::RoomMembership;
use serde_json::{Value, json};

use super::answer::Look;
use crate::{client_event::stripped, fault::ReadFault};

/// State that an invited person gets to see (client-server API, "Stripped state").
const STRIPPED_TYPES: [&str; 7] = [
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.name",
    "m.room.topic",
    "m.room.avatar",
    "m.room.encryption",
];

pub(super) fn invited(look: &Look<'_>, member: &RoomMembership) -> Result<Value, ReadFault> {
    Ok(json!({ "invite_state": { "events": stripped_state(look, member)? } }))
}

pub(super) fn knocked(look: &Look<'_>, member: &RoomMembership) -> Result<Value, ReadFault> {
    Ok(json!({ "knock_state": { "events": stripped_state(look, member)? } }))
}

/// What came with the invite, or for rooms of ours the state as of the invite.
fn stripped_state(look: &Look<'_>, member: &RoomMembership) -> Result<Vec<Value>, ReadFault> {
    let (snapshot, room) = (look.snapshot, member.room);
    if let Some(events) = snapshot.invite_state(look.asker.user, room)? {
        let events = events.iter().filter_map(|event| serde_json::from_slice(event).ok());
        return Ok(events.collect());
    }
    let mut events = Vec::new();
    for event_type in STRIPPED_TYPES {
        if let Some(at) = snapshot.state_event_as_of(room, event_type, "", member.changed)?
            && let Some(event) = snapshot.event_at(at)?
        {
            events.push(stripped(&event));
        }
    }
    if let Some(own) = snapshot.event_at(member.event)? {
        if let Some(sender) = own.str("sender")
            && sender != look.asker.user_id
            && let Some(at) =
                snapshot.state_event_as_of(room, "m.room.member", sender, member.changed)?
            && let Some(inviter) = snapshot.event_at(at)?
        {
            events.push(stripped(&inviter));
        }
        events.push(stripped(&own));
    }
    Ok(events)
}
