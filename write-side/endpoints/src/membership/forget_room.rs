//! `POST /rooms/{roomId}/forget`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{RoomCommandRefusal, forget_room as forget},
};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::membership::forget_room::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn forget_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    match forget(&state.write_side, &request.room_id, &identity.user).await {
        Ok(()) => answer(Response::new()),
        Err(CommandError::Refusal(RoomCommandRefusal::WrongMembership { .. })) => {
            Err(MatrixError::bad_request("Leave the room before you forget it").into())
        }
        Err(CommandError::Refusal(RoomCommandRefusal::UnknownRoom(_))) => {
            Err(MatrixError::not_found("This server does not know this room").into())
        }
        Err(error) => Err(error.into()),
    }
}
