//! The events of a new room, in the order of the spec.

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, UserId, events::TimelineEventType,
    room_version_rules::RoomVersionRules,
};
use serde_json::json;

use super::{CreateRoom, Preset, power_levels};
use crate::room::{
    batch::LocalContext,
    new_event::{NewEvent, create_event_id},
    refusal::RoomRefusal,
};

/// An event, and whether the wished state of the room is at fault if it is refused: what the
/// caller gave, and what the wished power levels do not let the creator set.
pub(super) struct InitialEvent {
    pub(super) event: NewEvent,
    pub(super) is_wished: bool,
}

/// The create event.
pub(super) fn create(wish: &CreateRoom, rules: &RoomVersionRules) -> Result<NewEvent, RoomRefusal> {
    let mut content = wish.creation_content.clone();
    content.insert("room_version".to_owned(), wish.room_version.as_str().into());
    content.remove("creator");
    if !rules.authorization.use_room_create_sender {
        content.insert("creator".to_owned(), wish.creator.as_str().into());
    }
    if rules.authorization.additional_room_creators {
        let creators = additional_creators(wish)?;
        if creators.is_empty() {
            content.remove("additional_creators");
        } else {
            let creators = creators.into_iter().map(CanonicalJsonValue::String).collect();
            content.insert("additional_creators".to_owned(), CanonicalJsonValue::Array(creators));
        }
    }
    Ok(NewEvent::state(wish.creator.clone(), TimelineEventType::RoomCreate, "", content))
}

/// The given ones, and in a trusted private chat everybody who is invited.
fn additional_creators(wish: &CreateRoom) -> Result<Vec<String>, RoomRefusal> {
    let invalid =
        || RoomRefusal::InvalidRoomState("`additional_creators` must be user ids".to_owned());
    let mut creators = Vec::new();
    if let Some(given) = wish.creation_content.get("additional_creators") {
        for creator in given.as_array().ok_or_else(invalid)? {
            let id = creator.as_str().ok_or_else(invalid)?;
            creators.push(UserId::parse(id).map_err(|_| invalid())?.to_string());
        }
    }
    if wish.preset() == Preset::TrustedPrivateChat {
        creators.extend(wish.invite.iter().map(ToString::to_string));
    }
    let mut seen = std::collections::BTreeSet::from([wish.creator.to_string()]);
    creators.retain(|creator| seen.insert(creator.clone()));
    Ok(creators)
}

/// Every creator of a room whose version knows additional ones; else nobody.
pub(super) fn privileged_creators(
    wish: &CreateRoom,
    rules: &RoomVersionRules,
) -> Result<Vec<String>, RoomRefusal> {
    if !rules.authorization.explicitly_privilege_room_creators {
        return Ok(Vec::new());
    }
    let mut creators = additional_creators(wish)?;
    creators.push(wish.creator.to_string());
    Ok(creators)
}

/// The room's id after its create event.
pub(super) fn room_id_from_create(
    create: &NewEvent,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<String, RoomRefusal> {
    let event_id = create_event_id(create, rules, context)?;
    Ok(event_id.as_str().replacen('$', "!", 1))
}

/// All others: join, power levels, alias, the preset's, the given ones, name, topic, invites,
/// bans, closing power levels.
pub(super) fn after_create(
    wish: &CreateRoom,
    rules: &RoomVersionRules,
) -> Result<Vec<InitialEvent>, RoomRefusal> {
    let creator = &wish.creator;
    let mut events = vec![
        member(wish, creator, "join", wish.creator_profile.clone()),
        InitialEvent {
            event: NewEvent::state(
                creator.clone(),
                TimelineEventType::RoomPowerLevels,
                "",
                power_levels::content(wish, rules)?,
            ),
            is_wished: true,
        },
    ];
    if let Some(alias) = &wish.alias {
        events.push(state(wish, "m.room.canonical_alias", &json!({ "alias": alias }))?);
    }
    preset_events(wish, &mut events)?;
    for (event_type, key, content) in &wish.initial_state {
        events.push(given(wish, event_type, key, content)?);
    }
    if let Some(name) = &wish.name {
        events.push(state(wish, "m.room.name", &json!({ "name": name }))?);
    }
    if let Some(topic) = &wish.topic {
        let rich = json!({ "m.text": [{ "body": topic }] });
        let content = json!({ "topic": topic, "m.topic": rich });
        events.push(state(wish, "m.room.topic", &content)?);
    }
    events.extend(wish.invite.iter().map(|invited| invite(wish, invited)));
    for (banned, content) in &wish.bans {
        events.push(member(wish, banned, "ban", content.clone()));
    }
    if let Some(levels) = &wish.closing_power_levels {
        let levels = levels.clone();
        let event_type = TimelineEventType::RoomPowerLevels;
        events.push(own(NewEvent::state(creator.clone(), event_type, "", levels)));
    }
    Ok(events)
}

fn invite(wish: &CreateRoom, invited: &UserId) -> InitialEvent {
    let mut content = wish.invite_profiles.get(invited).cloned().unwrap_or_default();
    if wish.is_direct {
        content.insert("is_direct".to_owned(), CanonicalJsonValue::Bool(true));
    }
    member(wish, invited, "invite", content)
}

/// The member event by which the creator makes `user` a `membership`.
fn member(
    wish: &CreateRoom,
    user: &UserId,
    membership: &str,
    mut content: CanonicalJsonObject,
) -> InitialEvent {
    content.insert("membership".to_owned(), membership.into());
    own(NewEvent::state(
        wish.creator.clone(),
        TimelineEventType::RoomMember,
        user.as_str(),
        content,
    ))
}

/// What the preset sets and the caller does not.
fn preset_events(wish: &CreateRoom, events: &mut Vec<InitialEvent>) -> Result<(), RoomRefusal> {
    let (join_rule, guests) = match wish.preset() {
        Preset::PublicChat => ("public", "forbidden"),
        Preset::PrivateChat | Preset::TrustedPrivateChat => ("invite", "can_join"),
    };
    let presets = [
        ("m.room.join_rules", json!({ "join_rule": join_rule })),
        ("m.room.history_visibility", json!({ "history_visibility": "shared" })),
        ("m.room.guest_access", json!({ "guest_access": guests })),
    ];
    for (event_type, content) in presets {
        let is_given =
            wish.initial_state.iter().any(|(given, key, _)| given == event_type && key.is_empty());
        if !is_given {
            events.push(state(wish, event_type, &content)?);
        }
    }
    Ok(())
}

fn own(event: NewEvent) -> InitialEvent {
    InitialEvent { event, is_wished: false }
}

fn state(
    wish: &CreateRoom,
    event_type: &str,
    content: &serde_json::Value,
) -> Result<InitialEvent, RoomRefusal> {
    let content = NewEvent::content_of(content)?;
    let event = NewEvent::state(wish.creator.clone(), event_type, "", content);
    Ok(InitialEvent { event, is_wished: true })
}

/// What creating sets itself cannot be given.
const NOT_GIVEN: &[&str] = &["m.room.create", "m.room.member"];

fn given(
    wish: &CreateRoom,
    event_type: &str,
    key: &str,
    content: &CanonicalJsonObject,
) -> Result<InitialEvent, RoomRefusal> {
    if NOT_GIVEN.contains(&event_type) {
        return Err(RoomRefusal::InvalidRoomState(format!(
            "`{event_type}` cannot be given as initial state"
        )));
    }
    Ok(InitialEvent {
        event: NewEvent::state(wish.creator.clone(), event_type, key, content.clone()),
        is_wished: true,
    })
}
