//! `POST /join/{roomIdOrAlias}`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::membership::join_room_by_id_or_alias::v3::{Request, Response};

use super::{
    enter::{Entrance, enter},
    find_room::find_room,
};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn join_room_by_id_or_alias(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let found = find_room(&state, &request.room_id_or_alias, request.via).await?;
    let room = enter(&state, &identity, found, request.reason, Entrance::Join).await?;
    answer(Response::new(room))
}
