//! `POST /rooms/{roomId}/join`, and joining for the endpoint that takes aliases too.

use axum::extract::State;
use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, join_room},
};
use http_edge::{Matrix, Session};
use ruma::{
    OwnedRoomId,
    api::client::membership::join_room_by_id::v3::{Request, Response},
};

use super::{find_room::FoundRoom, member_profile};
use crate::{Answer, RemoteMembership, WriteEndpoints, answer, errors::EndpointError};

pub(crate) async fn join_room_by_id(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let via = request.room_id.server_name().map(ToOwned::to_owned);
    let found = FoundRoom { via: via.into_iter().collect(), room: request.room_id };
    let room = join(&state, &identity, found, request.reason).await?;
    answer(Response::new(room))
}

/// Joins a room: by ourselves where this server is in it, else by another server.
pub(super) async fn join(
    state: &WriteEndpoints,
    session: &Session,
    found: FoundRoom,
    reason: Option<String>,
) -> Result<OwnedRoomId, EndpointError> {
    let user = session.user.clone();
    let details =
        MemberDetails { reason, profile: member_profile(state, &user).await?, is_direct: false };
    let joined = join_room(&state.write_side, &found.room, user.clone(), &details).await;
    match joined {
        Ok(_) => Ok(found.room),
        Err(CommandError::Refusal(
            RoomCommandRefusal::UnknownRoom(_) | RoomCommandRefusal::NotInRoom(_),
        )) => {
            let wish = RemoteMembership {
                room: found.room.clone(),
                sender: user.clone(),
                target: user,
                via: found.via,
                details,
            };
            state.remote.join(wish).await?;
            Ok(found.room)
        }
        Err(error) => Err(error.into()),
    }
}
