//! Upgrading a room: a successor with the same face, and a tombstone in the old one.
//!
//! Owns what is carried over. The successor comes first: a crash after it leaves a room that
//! nobody is sent to, and the upgrade can be asked for again; a tombstone never points nowhere.

use std::cmp::max;

use decide::room::{CreateRoom, NewEvent, Preset, RoomFold, RoomRefusal};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, Int, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    events::{TimelineEventType, room::member::MembershipState},
};

use super::{
    MemberDetails, RoomCommandRefusal, act::RoomError, ban_user::ban_user,
    create_room::create_room, powers::Powers, send_event::send_event,
};
use crate::{CommandError, WriteSide};

/// State that the successor takes over as it is (client-server API, "Room upgrades").
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
/// What ordinary events and invites need in the old room afterwards, at least.
const RAISED_LEVEL: i64 = 50;

/// The wish to upgrade.
#[derive(Clone, Debug)]
pub struct UpgradeRoom {
    /// Who upgrades; the creator of the successor.
    pub user: OwnedUserId,
    /// Version of the successor.
    pub version: RoomVersionId,
    /// Further creators, where the version knows them.
    pub additional_creators: Vec<OwnedUserId>,
}

/// Upgrades a room; gives the successor's id.
pub async fn upgrade_room(
    write_side: &WriteSide,
    room: &RoomId,
    wish: &UpgradeRoom,
) -> Result<OwnedRoomId, RoomError> {
    let fold = write_side.room(room).await?;
    let powers = Powers::load(write_side, &fold).await?;
    let may = fold.membership(&wish.user) == MembershipState::Join
        && powers.may_send_state(&wish.user, &TimelineEventType::RoomTombstone);
    if !may {
        let rule = "the user may not send the room's tombstone".to_owned();
        return Err(refused(RoomRefusal::Forbidden { rule }));
    }
    let create = successor(write_side, &fold, wish).await?;
    let replacement = create_room(write_side, &create, false).await?;
    carry_bans(write_side, &fold, &replacement, &wish.user).await?;
    let mut content = CanonicalJsonObject::new();
    content.insert("body".to_owned(), "This room has been replaced".into());
    content.insert("replacement_room".to_owned(), replacement.as_str().into());
    let tombstone =
        NewEvent::state(wish.user.clone(), TimelineEventType::RoomTombstone, "", content);
    send_event(write_side, room, tombstone).await?;
    quieten(write_side, &fold, &wish.user).await;
    Ok(replacement)
}

async fn carry_bans(
    write_side: &WriteSide,
    fold: &RoomFold,
    replacement: &RoomId,
    user: &OwnedUserId,
) -> Result<(), RoomError> {
    let banned: Vec<OwnedUserId> = fold
        .members()
        .filter(|(_, membership)| *membership == MembershipState::Ban)
        .map(|(banned, _)| banned)
        .take(BANS_CARRIED_MAX)
        .collect();
    let details = MemberDetails::default();
    for banned in banned {
        ban_user(write_side, replacement, user.clone(), &banned, &details).await?;
    }
    Ok(())
}

fn refused(refusal: RoomRefusal) -> RoomError {
    CommandError::Refusal(RoomCommandRefusal::Room(refusal))
}

async fn successor(
    write_side: &WriteSide,
    fold: &RoomFold,
    wish: &UpgradeRoom,
) -> Result<CreateRoom, RoomError> {
    let rules = wish
        .version
        .rules()
        .ok_or_else(|| refused(RoomRefusal::UnsupportedRoomVersion(wish.version.clone())))?;
    let privileged = rules.authorization.explicitly_privilege_room_creators;
    let mut create = CreateRoom::new(wish.user.clone(), wish.version.clone());
    create.preset = Some(Preset::PrivateChat);
    create.creation_content = creation_content(write_side, fold, wish, privileged).await?;
    if let Some(mut levels) = content(write_side, fold, "m.room.power_levels").await? {
        if let (true, Some(CanonicalJsonValue::Object(users))) =
            (privileged, levels.get_mut("users"))
        {
            users.remove(wish.user.as_str());
            for creator in &wish.additional_creators {
                users.remove(creator.as_str());
            }
        }
        create.power_level_content_override = levels;
    }
    for event_type in CARRIED {
        if let Some(content) = content(write_side, fold, event_type).await? {
            create.initial_state.push((event_type.to_owned(), String::new(), content));
        }
    }
    Ok(create)
}

async fn creation_content(
    write_side: &WriteSide,
    fold: &RoomFold,
    wish: &UpgradeRoom,
    privileged: bool,
) -> Result<CanonicalJsonObject, RoomError> {
    let mut predecessor = CanonicalJsonObject::new();
    predecessor.insert("room_id".to_owned(), fold.room_id().as_str().into());
    if let (false, Some(last)) = (privileged, fold.tips().last()) {
        // The last event that is known; from version 12 on it is left out.
        predecessor.insert("event_id".to_owned(), last.event_id.as_str().into());
    }
    let mut content = CanonicalJsonObject::new();
    content.insert("predecessor".to_owned(), CanonicalJsonValue::Object(predecessor));
    let old = self::content(write_side, fold, "m.room.create").await?;
    for key in ["type", "m.federate"] {
        if let Some(value) = old.as_ref().and_then(|old| old.get(key)) {
            content.insert(key.to_owned(), value.clone());
        }
    }
    if privileged && !wish.additional_creators.is_empty() {
        let creators = wish.additional_creators.iter();
        let creators = creators.map(|user| user.as_str().into()).collect();
        content.insert("additional_creators".to_owned(), CanonicalJsonValue::Array(creators));
    }
    Ok(content)
}

/// Raises what ordinary events and invites need in the old room, if the user may. The upgrade is
/// done without it.
async fn quieten(write_side: &WriteSide, fold: &RoomFold, user: &OwnedUserId) {
    let levels = content(write_side, fold, "m.room.power_levels").await;
    let Ok(Some(mut raised)) = levels else {
        return;
    };
    let int = |levels: &CanonicalJsonObject, key: &str| match levels.get(key) {
        Some(CanonicalJsonValue::Integer(level)) => i64::from(*level),
        _ => 0,
    };
    let floor = max(RAISED_LEVEL, int(&raised, "users_default").saturating_add(1));
    for key in ["events_default", "invite"] {
        let level = max(floor, int(&raised, key));
        if let Ok(level) = Int::try_from(level) {
            raised.insert(key.to_owned(), CanonicalJsonValue::Integer(level));
        }
    }
    let event = NewEvent::state(user.clone(), TimelineEventType::RoomPowerLevels, "", raised);
    if let Err(error) = send_event(write_side, fold.room_id(), event).await {
        tracing::info!(?error, "the old room's power levels stay as they are");
    }
}

async fn content(
    write_side: &WriteSide,
    fold: &RoomFold,
    event_type: &str,
) -> Result<Option<CanonicalJsonObject>, RoomError> {
    let Some(entry) = fold.state_entry(event_type, "") else {
        return Ok(None);
    };
    let stored = write_side.pdu(fold.room_id(), &entry.event_id).await?;
    Ok(stored.and_then(|stored| stored.pdu.content_object().cloned()))
}
