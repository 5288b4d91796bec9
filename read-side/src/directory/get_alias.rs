//! `GET /_matrix/client/v3/directory/room/{roomAlias}`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::alias::get_alias::v3::Request;
use serde_json::{Value, json};

use crate::state::ReadSide;

/// Client-server API, `getRoomIdByAlias`, for aliases of this server.
pub(crate) async fn get_alias(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let alias = read.ask(move |snapshot| Ok(snapshot.alias(request.room_alias.as_str())?)).await?;
    let (room_id, _) =
        alias.ok_or_else(|| MatrixError::not_found("There is no room with this alias"))?;
    let server = &read.settings().server_name;
    Ok(Json(json!({ "room_id": room_id, "servers": [server] })))
}
