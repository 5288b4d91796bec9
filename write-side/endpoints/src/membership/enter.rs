//! Entering a room oneself: by this server where it is in the room, else by another.

use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, join_room, knock_room},
};
use http_edge::Session;
use ruma::OwnedRoomId;

use super::{find_room::FoundRoom, member_profile};
use crate::{RemoteMembership, WriteEndpoints, errors::EndpointError};

/// How somebody enters.
#[derive(Clone, Copy)]
pub(super) enum Entrance {
    Join,
    Knock,
}

/// Joins a room or knocks on it.
pub(super) async fn enter(
    state: &WriteEndpoints,
    session: &Session,
    found: FoundRoom,
    reason: Option<String>,
    entrance: Entrance,
) -> Result<OwnedRoomId, EndpointError> {
    let FoundRoom { room, via } = found;
    let user = session.user.clone();
    let profile = member_profile(state, &user).await?;
    let details = MemberDetails { reason, profile, is_direct: false };
    let entered = match entrance {
        Entrance::Join => join_room(&state.write_side, &room, user.clone(), &details).await,
        Entrance::Knock => knock_room(&state.write_side, &room, user.clone(), &details).await,
    };
    match entered {
        Ok(_) => return Ok(room),
        Err(CommandError::Refusal(
            RoomCommandRefusal::UnknownRoom(_) | RoomCommandRefusal::NotInRoom(_),
        )) => {}
        Err(error) => return Err(error.into()),
    }
    let (sender, target) = (user.clone(), user);
    let wish = RemoteMembership { room: room.clone(), sender, target, via, details };
    match entrance {
        Entrance::Join => state.remote.join(wish).await?,
        Entrance::Knock => state.remote.knock(wish).await?,
    }
    Ok(room)
}
