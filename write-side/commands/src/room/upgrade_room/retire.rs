//! What becomes of a room that was replaced: its aliases and its place in the directory go to the
//! successor, and ordinary members fall silent.
//!
//! Each step by itself and best effort: the upgrade is done without it. A crash leaves the rest
//! undone; the tombstone sends on whoever comes by an alias that did not move.

use std::cmp::max;

use decide::room::{NewEvent, RoomFold, level_of};
use ruma::{
    CanonicalJsonValue, Int, OwnedRoomAliasId, OwnedUserId, RoomId, events::TimelineEventType,
};

use super::UpgradeRoom;
use crate::{
    WriteSide,
    alias::move_aliases,
    room::{
        act::RoomError,
        canonical_alias::{forget_aliases, only},
        publish_room::publish_room,
        send_event::send_event,
        state_content::state_content,
    },
};

/// What ordinary events and invites need in the old room afterwards, at least.
const RAISED_LEVEL: i64 = 50;

pub(super) async fn retire(
    write_side: &WriteSide,
    fold: &RoomFold,
    replacement: &RoomId,
    wish: &UpgradeRoom,
) {
    let room = fold.room_id();
    let user = &wish.user;
    let moved = move_aliases(write_side, user, room, replacement, &wish.aliases).await;
    told("the aliases", hand_over(write_side, fold, replacement, user, &moved).await);
    if fold.is_published() {
        // The successor is listed in its place, by the one who may end the room.
        let listed = publish_room(write_side, room, user.clone(), true, false).await;
        told("the directory", listed);
    }
    told("the power levels", quieten(write_side, fold, user).await);
}

fn told(what: &str, result: Result<(), RoomError>) {
    if let Err(error) = result {
        tracing::info!(?error, "after an upgrade {what} of the old room stay as they are");
    }
}

/// The canonical alias goes with the aliases, as far as they moved.
async fn hand_over(
    write_side: &WriteSide,
    fold: &RoomFold,
    replacement: &RoomId,
    user: &OwnedUserId,
    moved: &[OwnedRoomAliasId],
) -> Result<(), RoomError> {
    let old = state_content(write_side, fold, "m.room.canonical_alias").await?;
    let Some(content) = old.and_then(|old| only(&old, moved)) else {
        return Ok(());
    };
    let event = NewEvent::state(user.clone(), TimelineEventType::RoomCanonicalAlias, "", content);
    send_event(write_side, replacement, event).await?;
    forget_aliases(write_side, fold.room_id(), user, moved).await
}

/// Raises what ordinary events and invites need in the old room.
async fn quieten(
    write_side: &WriteSide,
    fold: &RoomFold,
    user: &OwnedUserId,
) -> Result<(), RoomError> {
    // As they are now: nobody's change meanwhile is undone.
    let fold = write_side.room(fold.room_id()).await?;
    let levels = state_content(write_side, &fold, "m.room.power_levels").await?;
    // The first levels of a room without any would take away its creator's power.
    let Some(mut raised) = levels else { return Ok(()) };
    let users_default = level_of(raised.get("users_default")).unwrap_or(0);
    let floor = max(RAISED_LEVEL, users_default.saturating_add(1));
    for key in ["events_default", "invite"] {
        let level = max(floor, level_of(raised.get(key)).unwrap_or(0));
        raised.insert(key.to_owned(), CanonicalJsonValue::Integer(Int::new_saturating(level)));
    }
    let event = NewEvent::state(user.clone(), TimelineEventType::RoomPowerLevels, "", raised);
    send_event(write_side, fold.room_id(), event).await?;
    Ok(())
}
