//! `DELETE /user/{userId}/rooms/{roomId}/tags/{tag}`.

use axum::extract::State;
use commands::user::set_tag;
use http_edge::Matrix;
use ruma::api::client::tag::delete_tag::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, own::require_own};

pub(crate) async fn delete_tag(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    require_own(&identity, &request.user_id)?;
    let (user, room) = (&identity.user, &request.room_id);
    set_tag(&state.write_side, user, room, &request.tag, None).await?;
    answer(Response::new())
}
