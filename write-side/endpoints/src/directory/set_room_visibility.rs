//! `PUT /directory/list/room/{roomId}`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{RoomCommandRefusal, publish_room},
};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::{
    directory::set_room_visibility::v3::{Request, Response},
    room::Visibility,
};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_room_visibility(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let public = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        _ => return Err(MatrixError::invalid_param("Unknown visibility").into()),
    };
    let user = identity.user.clone();
    let room = &request.room_id;
    match publish_room(&state.write_side, room, user, identity.admin, public).await {
        Ok(()) => answer(Response::new()),
        Err(CommandError::Refusal(RoomCommandRefusal::UnknownRoom(_))) => {
            Err(MatrixError::not_found("This server does not know this room").into())
        }
        Err(error) => Err(error.into()),
    }
}
