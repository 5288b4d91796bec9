//! `GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::backup::get_backup_keys_for_session::v3::Request;
use serde_json::Value;

use super::backup_version::{backup_sessions, data};
use crate::state::ReadSide;

/// Client-server API, `getRoomKeyBySessionId`.
pub(crate) async fn get_backup_keys_for_session(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let (room, id) = (Some(request.room_id.to_string()), Some(request.session_id));
    let sessions = backup_sessions(&read, &identity, request.version, room, id).await?;
    sessions
        .first()
        .and_then(data)
        .map(Json)
        .ok_or_else(|| MatrixError::not_found("The backup has no such key"))
}
