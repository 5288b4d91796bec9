//! `GET /_matrix/client/v3/directory/list/room/{roomId}`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::directory::get_room_visibility::v3::Request;
use serde_json::{Value, json};

use crate::state::ReadSide;

/// Client-server API, `getRoomVisibilityOnDirectory`.
pub(crate) async fn get_room_visibility(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let published = read
        .ask(move |snapshot| match snapshot.room(request.room_id.as_str())? {
            Some(room) => Ok(Some(snapshot.is_published(room)?)),
            None => Ok(None),
        })
        .await?
        .ok_or_else(|| MatrixError::not_found("There is no such room"))?;
    Ok(Json(json!({ "visibility": if published { "public" } else { "private" } })))
}
