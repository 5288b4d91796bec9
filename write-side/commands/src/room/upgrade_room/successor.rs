//! What a successor takes over of the room that it replaces (client-server API, "Room upgrades").

use decide::room::{
    CreateRoom, Preset, Replacement, RoomFold, RoomRefusal, carried_levels, state_key,
};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OwnedUserId, events::room::member::MembershipState,
    room_version_rules::AuthorizationRules,
};

use super::{UpgradeRoom, refused};
use crate::{
    WriteSide,
    room::{
        act::RoomError,
        state_content::{state_content, state_content_at},
    },
};

/// State that the successor takes over as it is.
const CARRIED: [&str; 8] = [
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
];
/// Bans that are carried over, at most; the order is that of user ids.
pub const BANS_CARRIED_MAX: usize = 200;
/// Rooms of a space that are carried over, at most; the order is that of room ids.
pub const SPACE_CHILDREN_CARRIED_MAX: usize = 250;

pub(super) async fn successor(
    write_side: &WriteSide,
    fold: &RoomFold,
    old_creators: &[OwnedUserId],
    wish: &UpgradeRoom,
) -> Result<CreateRoom, RoomError> {
    let rules = wish
        .version
        .rules()
        .ok_or_else(|| refused(RoomRefusal::UnsupportedRoomVersion(wish.version.clone())))?
        .authorization;
    let mut create = CreateRoom::new(wish.user.clone(), wish.version.clone());
    create.preset = Some(Preset::PrivateChat);
    create.is_public = fold.is_published();
    create.creator_profile = wish.profile.clone();
    create.creation_content = creation_content(write_side, fold, wish, &rules).await?;
    set_levels(write_side, fold, old_creators, wish, &rules, &mut create).await?;
    for event_type in CARRIED {
        let content = state_content(write_side, fold, event_type).await?;
        // The preset would let guests in, whom a room without this event keeps out.
        let content = content.or_else(|| (event_type == "m.room.guest_access").then(no_guests));
        if let Some(content) = content {
            create.initial_state.push((event_type.to_owned(), String::new(), content));
        }
    }
    if create.creation_content.get("type").and_then(CanonicalJsonValue::as_str) == Some("m.space") {
        carry_children(write_side, fold, &mut create).await?;
    }
    carry_bans(write_side, fold, &mut create).await?;
    Ok(create)
}

fn no_guests() -> CanonicalJsonObject {
    CanonicalJsonObject::from([("guest_access".to_owned(), "forbidden".into())])
}

async fn creation_content(
    write_side: &WriteSide,
    fold: &RoomFold,
    wish: &UpgradeRoom,
    rules: &AuthorizationRules,
) -> Result<CanonicalJsonObject, RoomError> {
    let mut predecessor = CanonicalJsonObject::new();
    predecessor.insert("room_id".to_owned(), fold.room_id().as_str().into());
    if let (false, Some(last)) = (rules.room_create_event_id_as_room_id, fold.tips().last()) {
        // The last event that is known; from version 12 on it is left out.
        predecessor.insert("event_id".to_owned(), last.event_id.as_str().into());
    }
    let mut content = CanonicalJsonObject::new();
    content.insert("predecessor".to_owned(), CanonicalJsonValue::Object(predecessor));
    let old = state_content(write_side, fold, "m.room.create").await?;
    for key in ["type", "m.federate"] {
        if let Some(value) = old.as_ref().and_then(|old| old.get(key)) {
            content.insert(key.to_owned(), value.clone());
        }
    }
    if rules.additional_room_creators && !wish.additional_creators.is_empty() {
        let creators = wish.additional_creators.iter();
        let creators = creators.map(|user| user.as_str().into()).collect();
        content.insert("additional_creators".to_owned(), CanonicalJsonValue::Array(creators));
    }
    Ok(content)
}

async fn set_levels(
    write_side: &WriteSide,
    fold: &RoomFold,
    old_creators: &[OwnedUserId],
    wish: &UpgradeRoom,
    rules: &AuthorizationRules,
    create: &mut CreateRoom,
) -> Result<(), RoomError> {
    let old = match state_content(write_side, fold, "m.room.power_levels").await? {
        Some(old) => old,
        // Creators that stand above all levels need a level where the version has no such power.
        None if !old_creators.is_empty() => CanonicalJsonObject::new(),
        None => return Ok(()),
    };
    let replacement = Replacement {
        old_creators,
        creator: &wish.user,
        additional_creators: &wish.additional_creators,
        rules,
    };
    let levels = carried_levels(old, replacement);
    create.power_level_content_override = levels.initial;
    create.closing_power_levels = levels.closing;
    Ok(())
}

async fn carry_children(
    write_side: &WriteSide,
    fold: &RoomFold,
    create: &mut CreateRoom,
) -> Result<(), RoomError> {
    const CHILD: &str = "m.space.child";
    let children: Vec<String> = fold
        .state()
        .range(state_key(CHILD, "")..)
        .take_while(|(key, _)| key.0 == CHILD)
        .map(|(key, _)| key.1.clone())
        .collect();
    let mut carried = 0;
    for child in children {
        let content = state_content_at(write_side, fold, CHILD, &child).await?;
        // Without `via` it is a room that was taken out of the space.
        let Some(content) = content.filter(|content| content.contains_key("via")) else {
            continue;
        };
        carried += 1;
        if carried > SPACE_CHILDREN_CARRIED_MAX {
            break;
        }
        create.initial_state.push((CHILD.to_owned(), child, content));
    }
    Ok(())
}

async fn carry_bans(
    write_side: &WriteSide,
    fold: &RoomFold,
    create: &mut CreateRoom,
) -> Result<(), RoomError> {
    let banned = fold
        .members()
        .filter(|(banned, membership)| {
            // A creator cannot ban itself; an additional one would be a creator without a way in.
            *membership == MembershipState::Ban && *banned != create.creator
        })
        .map(|(banned, _)| banned)
        .take(BANS_CARRIED_MAX);
    for banned in banned {
        let old = state_content_at(write_side, fold, "m.room.member", banned.as_str()).await?;
        let reason = old.and_then(|mut old| old.remove("reason"));
        let reason = reason.map(|reason| ("reason".to_owned(), reason));
        create.bans.push((banned, reason.into_iter().collect()));
    }
    Ok(())
}
