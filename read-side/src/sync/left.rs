//! Rooms that the user left or was banned from, in `/sync`.
//!
//! Told once, when it happens; with `include_leave` also in a first answer. What came after the
//! leaving is not told.

use projections::query::RoomMembership;
use serde_json::{Map, Value, json};

use super::{
    account_data,
    answer::Look,
    room::{state_json, timeline_json},
    room_state::{Stretch, state_section},
    timeline::timeline,
};
use crate::fault::ReadFault;

pub(super) fn left(
    look: &Look<'_>,
    member: &RoomMembership,
    room_id: &str,
) -> Result<Option<Value>, ReadFault> {
    let news = look.since.is_some_and(|since| member.changed > since.position);
    let wanted = news || look.asker.filter.include_leave();
    let forgotten = look.snapshot.forgotten(look.asker.user, member.room)?.is_some();
    // A leaving is told even where the room was forgotten since: the client has not heard of it.
    if !wanted || (forgotten && !news) || (!news && look.since.is_some()) {
        return Ok(None);
    }
    let upto = member.changed;
    // Whoever was not joined when the client last looked knows nothing of the room.
    let known = match look.since {
        Some(since) => {
            let before =
                look.snapshot.membership_as_of(look.asker.user, member.room, since.position)?;
            (before == Some(projections::query::Membership::Join)).then_some(since.position)
        }
        None => None,
    };
    let timeline = timeline(look, member.room, room_id, known.unwrap_or_default(), upto)?;
    let writer = look.writer(room_id, timeline.limited);
    let mut room = Map::new();
    room.insert("timeline".to_owned(), timeline_json(look, &writer, &timeline)?);
    let state = if member.was_joined {
        state_section(look, member.room, Stretch { from: known, upto }, &timeline)?
    } else {
        // An invite that was turned down: the own member event is all there is to see.
        vec![member.event]
    };
    let (key, section) = state_json(look, &writer, room_id, &state)?;
    room.insert(key.to_owned(), section);
    let data = account_data::of_room(look, member.room, room_id, known)?;
    room.insert("account_data".to_owned(), json!({ "events": data }));
    Ok(Some(Value::Object(room)))
}
