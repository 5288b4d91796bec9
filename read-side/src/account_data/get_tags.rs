//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::tag::get_tags::v3::Request;
use serde_json::{Value, json};

use super::data_of_room;
use crate::{caller::only_own, state::ReadSide};

/// Client-server API, `getRoomTags`. Tags are the room's account data `m.tag`.
pub(crate) async fn get_tags(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let user = identity.user_stream;
    let data = read.ask(move |snapshot| data_of_room(snapshot, user, &request.room_id, "m.tag"));
    let tags = data.await?.and_then(|data| data.get("tags").cloned());
    Ok(Json(json!({ "tags": tags.unwrap_or_else(|| json!({})) })))
}
