//! Power levels of a new room.

use ruma::{CanonicalJsonObject, CanonicalJsonValue, room_version_rules::RoomVersionRules};
use serde_json::json;

use super::{CreateRoom, Preset, events::privileged_creators};
use crate::room::{new_event::NewEvent, refusal::RoomRefusal};

/// The level of creators before room version 12, and of everybody in a trusted private chat.
const CREATOR_LEVEL: i64 = 100;

/// The defaults, with the given keys in place of theirs.
pub(super) fn content(
    wish: &CreateRoom,
    rules: &RoomVersionRules,
) -> Result<CanonicalJsonObject, RoomRefusal> {
    let creators = privileged_creators(wish, rules)?;
    let privileged = rules.authorization.explicitly_privilege_room_creators;
    let mut users = serde_json::Map::new();
    if !privileged {
        users.insert(wish.creator.to_string(), CREATOR_LEVEL.into());
        if wish.preset() == Preset::TrustedPrivateChat {
            for invited in &wish.invite {
                users.insert(invited.to_string(), CREATOR_LEVEL.into());
            }
        }
    }
    // Only creators may end a room of theirs, from the version on that sets them apart.
    let tombstone = if privileged { 150 } else { 100 };
    let mut content = NewEvent::content_of(&json!({
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.avatar": 50,
            "m.room.topic": 50,
            "m.room.canonical_alias": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
            "m.room.tombstone": tombstone,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": if wish.preset() == Preset::PublicChat { 50 } else { 0 },
    }))?;
    for (key, value) in &wish.power_level_content_override {
        content.insert(key.clone(), value.clone());
    }
    refuse_creators(&content, &creators)?;
    Ok(content)
}

/// From room version 12 on creators have no entry of their own.
fn refuse_creators(content: &CanonicalJsonObject, creators: &[String]) -> Result<(), RoomRefusal> {
    let users = content.get("users").and_then(CanonicalJsonValue::as_object);
    let named = users.is_some_and(|users| creators.iter().any(|id| users.contains_key(id)));
    if named {
        return Err(RoomRefusal::InvalidRoomState(
            "creators cannot have an entry in the power levels".to_owned(),
        ));
    }
    Ok(())
}
