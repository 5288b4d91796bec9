//! Upgrading a room: a successor with the same face, and a tombstone in the old one.
//!
//! Owns the order. The successor comes first, whole, as one batch: a crash after it leaves a room
//! that nobody is sent to, and the upgrade can be asked for again; a tombstone never points
//! nowhere. What follows the tombstone (aliases, the directory, the old room's levels) is best
//! effort: whoever comes to the old room is sent on by the tombstone.

mod retire;
mod successor;

use decide::room::{NewEvent, RoomRefusal};
use ruma::{
    CanonicalJsonObject, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    events::{TimelineEventType, room::member::MembershipState},
};

pub use self::successor::{BANS_CARRIED_MAX, SPACE_CHILDREN_CARRIED_MAX};
use super::{
    RoomCommandRefusal, act::RoomError, create_room::create_room, powers::Powers,
    send_event::send_event,
};
use crate::{CommandError, WriteSide};

/// The wish to upgrade.
#[derive(Clone, Debug)]
pub struct UpgradeRoom {
    /// Who upgrades; the creator of the successor.
    pub user: OwnedUserId,
    /// Profile fields of that person for the join event.
    pub profile: CanonicalJsonObject,
    /// Version of the successor.
    pub version: RoomVersionId,
    /// Further creators, where the version knows them.
    pub additional_creators: Vec<OwnedUserId>,
    /// Aliases of this server that may point to the room; those that do go along.
    pub aliases: Vec<OwnedRoomAliasId>,
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
    let old_creators = powers.privileged_creators();
    let create = successor::successor(write_side, &fold, &old_creators, wish).await?;
    let replacement = create_room(write_side, &create, false).await?;
    let mut content = CanonicalJsonObject::new();
    content.insert("body".to_owned(), "This room has been replaced".into());
    content.insert("replacement_room".to_owned(), replacement.as_str().into());
    let tombstone =
        NewEvent::state(wish.user.clone(), TimelineEventType::RoomTombstone, "", content);
    send_event(write_side, room, tombstone).await?;
    retire::retire(write_side, &fold, &replacement, wish).await;
    Ok(replacement)
}

fn refused(refusal: RoomRefusal) -> RoomError {
    CommandError::Refusal(RoomCommandRefusal::Room(refusal))
}
