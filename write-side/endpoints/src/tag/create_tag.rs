//! `PUT /user/{userId}/rooms/{roomId}/tags/{tag}`.

use axum::extract::State;
use commands::user::set_tag;
use ruma::api::client::tag::create_tag::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, own::require_own, whole::Whole};

pub(crate) async fn create_tag(
    State(state): State<WriteEndpoints>,
    Whole { request, identity, body }: Whole<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    require_own(&identity, &request.user_id)?;
    let (user, room) = (&identity.user, &request.room_id);
    set_tag(&state.write_side, user, room, &request.tag, Some(&body)).await?;
    answer(Response::new())
}
