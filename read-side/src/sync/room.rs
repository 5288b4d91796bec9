//! A joined room in `/sync`.

use facts::{LogPosition, StreamId};
use projections::query::{RoomMembership, UnreadCounts};
use serde_json::{Map, Value, json};

use super::{
    account_data,
    answer::Look,
    ephemeral,
    filter::EventFacts,
    query::StateDialect,
    room_state::{Stretch, state_section},
    timeline::{Timeline, timeline},
};
use crate::{client_event::EventWriter, fault::ReadFault};

/// The room's section; `None` where an incremental client already knows everything.
pub(crate) fn joined(
    look: &Look<'_>,
    member: &RoomMembership,
    room_id: &str,
) -> Result<Option<Value>, ReadFault> {
    let upto = look.snapshot.position();
    // A room that the user joined since the last answer is told whole.
    let known = look.since.map(|since| since.position).filter(|since| member.since <= *since);
    let mut timeline = timeline(look, member.room, room_id, known.unwrap_or_default(), upto)?;
    // What a client may have from an earlier stay does not join what is told here.
    let newly_joined = look.since.is_some() && known.is_none();
    timeline.limited |= newly_joined && timeline.prev_batch.is_some();
    let from = if look.asker.full_state { None } else { known };
    let state = state_section(look, member.room, Stretch { from, upto }, &timeline)?;
    let receipts = ephemeral::moved_receipts(look, member.room, known)?;
    // The user's own receipt moves the counts, also where a filter hides receipts.
    let own_receipt = receipts.iter().any(|receipt| receipt.user == look.asker.user);
    let events = ephemeral::events(look, member.room, room_id, known, receipts)?;
    let data = account_data::of_room(look, member.room, room_id, known)?;
    let nothing = timeline.events.is_empty()
        && !timeline.limited
        && state.is_empty()
        && events.is_empty()
        && data.is_empty()
        && !own_receipt;
    if nothing && from.is_some() {
        return Ok(None);
    }
    let writer = look.writer(room_id, timeline.limited);
    let mut room = Map::new();
    room.insert("timeline".to_owned(), timeline_json(look, &writer, &timeline)?);
    let (key, section) = state_json(look, &writer, room_id, &state)?;
    room.insert(key.to_owned(), section);
    room.insert("ephemeral".to_owned(), json!({ "events": events }));
    room.insert("account_data".to_owned(), json!({ "events": data }));
    if members_moved(look, member.room, from)? {
        room.insert("summary".to_owned(), summary(look, member)?);
    }
    let unread = look.snapshot.unread(look.asker.user, member.room)?;
    add_unread(look, &unread, &mut room);
    Ok(Some(Value::Object(room)))
}

/// True where the summary may differ from what the client knows.
fn members_moved(
    look: &Look<'_>,
    room: StreamId,
    from: Option<LogPosition>,
) -> Result<bool, ReadFault> {
    let Some(from) = from else { return Ok(true) };
    let changes = look.snapshot.state_delta(room, from, look.snapshot.position())?;
    Ok(changes.iter().any(|change| change.event_type == "m.room.member"))
}

pub(super) fn timeline_json(
    look: &Look<'_>,
    writer: &EventWriter<'_>,
    timeline: &Timeline,
) -> Result<Value, ReadFault> {
    let events = timeline
        .events
        .iter()
        .map(|(_, event)| Ok(look.asker.filter.trim(writer.event(event)?)))
        .collect::<Result<Vec<_>, ReadFault>>()?;
    let mut json = json!({ "events": events, "limited": timeline.limited });
    if let (Some(token), Some(json)) = (timeline.prev_batch, json.as_object_mut()) {
        json.insert("prev_batch".to_owned(), Value::from(token.to_string()));
    }
    Ok(json)
}

pub(super) fn state_json(
    look: &Look<'_>,
    writer: &EventWriter<'_>,
    room_id: &str,
    positions: &[LogPosition],
) -> Result<(&'static str, Value), ReadFault> {
    let mut events = Vec::with_capacity(positions.len());
    for position in positions {
        let Some(event) = look.snapshot.event_at(*position)? else { continue };
        let facts = EventFacts {
            event_type: event.str("type").unwrap_or_default(),
            sender: event.str("sender"),
            content: event.content(),
        };
        if look.asker.filter.wants_state(room_id, facts) {
            events.push(look.asker.filter.trim(writer.event(&event)?));
        }
    }
    let key = match look.asker.use_state_after {
        StateDialect::Before => "state",
        StateDialect::After => "state_after",
        StateDialect::AfterUnstable => "org.matrix.msc4222.state_after",
    };
    Ok((key, json!({ "events": events })))
}

fn summary(look: &Look<'_>, member: &RoomMembership) -> Result<Value, ReadFault> {
    let summary = look.snapshot.room_summary(member.room, look.asker.user)?;
    let mut heroes = Vec::new();
    for hero in summary.heroes {
        heroes.extend(look.snapshot.name(hero)?);
    }
    Ok(json!({
        "m.heroes": heroes,
        "m.joined_member_count": summary.joined,
        "m.invited_member_count": summary.invited,
    }))
}

fn add_unread(
    look: &Look<'_>,
    unread: &projections::query::RoomUnread,
    room: &mut Map<String, Value>,
) {
    let counts = |counts: UnreadCounts| {
        json!({
            "notification_count": counts.notifications,
            "highlight_count": counts.highlights,
        })
    };
    if look.asker.filter.thread_counts() {
        room.insert("unread_notifications".to_owned(), counts(unread.main));
        let threads: Map<String, Value> =
            unread.threads.iter().map(|(root, thread)| (root.clone(), counts(*thread))).collect();
        if !threads.is_empty() {
            room.insert("unread_thread_notifications".to_owned(), Value::Object(threads));
        }
    } else {
        room.insert("unread_notifications".to_owned(), counts(unread.total()));
    }
}
