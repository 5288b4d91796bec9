//! `POST /rooms/{roomId}/unban`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, unban_user as unban},
};
use http::StatusCode;
use http_edge::{Matrix, MatrixError};
use ruma::api::{
    client::membership::unban_user::v3::{Request, Response},
    error::ErrorCode,
};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn unban_user(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let details = MemberDetails { reason: request.reason, ..MemberDetails::default() };
    let sender = identity.user.clone();
    let (room, target) = (&request.room_id, &request.user_id);
    match unban(&state.write_side, room, sender, target, &details).await {
        Ok(_) => answer(Response::new()),
        // Client-server API, "Common error codes", has this very case as its example.
        Err(CommandError::Refusal(RoomCommandRefusal::WrongMembership { .. })) => {
            let code = ErrorCode::BadState;
            let refused = MatrixError::new(StatusCode::FORBIDDEN, code, "The user is not banned");
            Err(refused.into())
        }
        Err(error) => Err(error.into()),
    }
}
