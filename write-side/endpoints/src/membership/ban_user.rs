//! `POST /rooms/{roomId}/ban`.

use axum::extract::State;
use commands::room::{MemberDetails, ban_user as ban};
use http_edge::Matrix;
use ruma::api::client::membership::ban_user::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn ban_user(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let details = MemberDetails { reason: request.reason, ..MemberDetails::default() };
    let sender = identity.user.clone();
    ban(&state.write_side, &request.room_id, sender, &request.user_id, &details).await?;
    answer(Response::new())
}
