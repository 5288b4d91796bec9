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

/// An invite; `None` for one by a user whom the reader ignores.
pub(super) fn invited(
    look: &Look<'_>,
    member: &RoomMembership,
) -> Result<Option<Value>, ReadFault> {
    let own = look.snapshot.event_at(member.event)?;
    let inviter = own.as_ref().and_then(|own| own.str("sender"));
    if inviter.is_some_and(|inviter| look.viewer.ignored.has(inviter)) {
        return Ok(None);
    }
    Ok(Some(json!({ "invite_state": { "events": stripped_state(look, member)? } })))
}

/// A knock.
pub(super) fn knocked(look: &Look<'_>, member: &RoomMembership) -> Result<Value, ReadFault> {
    Ok(json!({ "knock_state": { "events": stripped_state(look, member)? } }))
}

/// What came with the invite and the own member event, or for rooms of ours the state as of it.
fn stripped_state(look: &Look<'_>, member: &RoomMembership) -> Result<Vec<Value>, ReadFault> {
    let (snapshot, room) = (look.snapshot, member.room);
    if let Some(events) = snapshot.invite_state(look.asker.user, room)? {
        let mut events: Vec<Value> =
            events.iter().filter_map(|event| serde_json::from_slice(event).ok()).collect();
        let is_own = |event: &Value| {
            event["type"] == "m.room.member" && event["state_key"] == look.asker.user_id.as_str()
        };
        if !events.iter().any(is_own) {
            events.extend(snapshot.event_at(member.event)?.as_ref().map(stripped));
        }
        return Ok(events);
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
