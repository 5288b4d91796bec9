//! `POST /rooms/{roomId}/leave`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, leave_room as leave},
};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::membership::leave_room::v3::{Request, Response};

use crate::{Answer, RemoteMembership, WriteEndpoints, answer};

pub(crate) async fn leave_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let user = identity.user.clone();
    let details = MemberDetails { reason: request.reason, ..MemberDetails::default() };
    match leave(&state.write_side, &request.room_id, user.clone(), &details).await {
        Ok(_) => {}
        Err(CommandError::Refusal(RoomCommandRefusal::UnknownRoom(_))) => {
            return Err(MatrixError::not_found("This server does not know this room").into());
        }
        // An invite to a room that this server is not in.
        Err(CommandError::Refusal(RoomCommandRefusal::NotInRoom(room))) => {
            let wish = RemoteMembership {
                via: room.server_name().map(ToOwned::to_owned).into_iter().collect(),
                room,
                sender: user.clone(),
                target: user,
                details,
            };
            state.remote.leave(wish).await?;
        }
        Err(error) => return Err(error.into()),
    }
    answer(Response::new())
}
