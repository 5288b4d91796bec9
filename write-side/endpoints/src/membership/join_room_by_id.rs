//! `POST /rooms/{roomId}/join`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::membership::join_room_by_id::v3::{Request, Response};

use super::{
    enter::{Entrance, enter},
    find_room::FoundRoom,
};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn join_room_by_id(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let via = request.room_id.server_name().map(ToOwned::to_owned);
    let found = FoundRoom { via: via.into_iter().collect(), room: request.room_id };
    let room = enter(&state, &identity, found, request.reason, Entrance::Join).await?;
    answer(Response::new(room))
}
