//! What conditions ask about a room: members and power levels.

use facts::StreamId;
use ruma::{
    OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UInt, UserId,
    events::room::power_levels::{
        RoomPowerLevels, RoomPowerLevelsEventContent, RoomPowerLevelsSource,
    },
    push::{PushConditionPowerLevelsCtx, PushConditionRoomCtx},
};
use serde_json::Value;

use super::members::room_id;
use crate::{
    client_view::{applying::Applying, lookup::state_event},
    store::StoreError,
};

/// The context of a room; user and display name are filled in for each member.
pub(super) fn room_context(
    a: &Applying<'_>,
    room: StreamId,
    joined: u32,
) -> Result<PushConditionRoomCtx, StoreError> {
    let room_id = room_id(a, room)?.unwrap_or_else(unknown_room);
    let nobody: OwnedUserId = unknown_user();
    let context = PushConditionRoomCtx::new(room_id, UInt::from(joined), nobody, String::new());
    Ok(match power_levels(a, room)? {
        Some(levels) => context.with_power_levels(levels),
        None => context,
    })
}

fn power_levels(
    a: &Applying<'_>,
    room: StreamId,
) -> Result<Option<PushConditionPowerLevelsCtx>, StoreError> {
    let Some(create) = state_event(a.batch, room, "m.room.create", "")? else {
        return Ok(None);
    };
    let Some(create) = a.event_body(create)? else {
        return Ok(None);
    };
    let version = create.content_str("room_version").unwrap_or("1");
    let Some(rules) = RoomVersionId::try_from(version).ok().and_then(|version| version.rules())
    else {
        return Ok(None);
    };
    let additional = create
        .full()
        .get("content")
        .and_then(|content| content.get("additional_creators"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let creators: Vec<OwnedUserId> = create
        .str("sender")
        .into_iter()
        .chain(additional)
        .filter_map(|id| OwnedUserId::try_from(id).ok())
        .collect();
    let event = state_event(a.batch, room, "m.room.power_levels", "")?;
    let body = event.map(|event| a.event_body(event)).transpose()?.flatten();
    let source = body
        .and_then(|body| body.full().get("content").cloned())
        .and_then(|content| serde_json::from_value::<RoomPowerLevelsEventContent>(content).ok())
        .map_or(RoomPowerLevelsSource::None, RoomPowerLevelsSource::Original);
    Ok(Some(RoomPowerLevels::new(source, &rules.authorization, creators).into()))
}

fn unknown_room() -> OwnedRoomId {
    RoomId::parse("!unknown:invalid").expect("the constant is a room id")
}

fn unknown_user() -> OwnedUserId {
    UserId::parse("@unknown:invalid").expect("the constant is a user id")
}
