//! `POST /rooms/{roomId}/kick`.

use axum::extract::State;
use commands::room::{MemberDetails, kick_user as kick};
use http_edge::Matrix;
use ruma::api::client::membership::kick_user::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn kick_user(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let details = MemberDetails { reason: request.reason, ..MemberDetails::default() };
    let sender = identity.user.clone();
    kick(&state.write_side, &request.room_id, sender, &request.user_id, &details).await?;
    answer(Response::new())
}
