//! Whether this server may act in a room by itself.

use decide::room::RoomFold;
use ruma::events::room::member::MembershipState;

use super::RoomCommandRefusal;
use crate::ServerIdentity;

/// Refuses where no user of this server is joined: our fold of the room may be old, and what we
/// wish goes by another server.
pub(crate) fn check_local_room(
    fold: &RoomFold,
    identity: &ServerIdentity,
) -> Result<(), RoomCommandRefusal> {
    if is_local_room(fold, identity) {
        Ok(())
    } else {
        Err(RoomCommandRefusal::NotInRoom(fold.room_id().to_owned()))
    }
}

/// True where nobody is joined in a room that we were in: nobody else can do it for us.
pub(crate) fn is_empty_room(fold: &RoomFold) -> bool {
    fold.state_entry("m.room.create", "").is_some()
        && !fold.members().any(|(_, membership)| membership == MembershipState::Join)
}

/// True where a user of this server is joined.
pub(crate) fn is_local_room(fold: &RoomFold, identity: &ServerIdentity) -> bool {
    fold.members().any(|(user, membership)| {
        membership == MembershipState::Join && user.server_name() == identity.server_name
    })
}
