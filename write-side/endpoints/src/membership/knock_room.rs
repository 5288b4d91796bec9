//! `POST /knock/{roomIdOrAlias}`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::knock::knock_room::v3::{Request, Response};

use super::{
    enter::{Entrance, enter},
    find_room::find_room,
};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn knock_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let found = find_room(&state, &request.room_id_or_alias, request.via).await?;
    let room = enter(&state, &identity, found, request.reason, Entrance::Knock).await?;
    answer(Response::new(room))
}
