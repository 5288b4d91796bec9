//! `GET /_matrix/client/v3/room_keys/keys/{roomId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::backup::get_backup_keys_for_room::v3::Request;
use serde_json::{Value, json};

use super::backup_version::{backup_sessions, sessions_json};
use crate::state::ReadSide;

/// Client-server API, `getRoomKeysByRoomId`. A room without keys has no sessions.
pub(crate) async fn get_backup_keys_for_room(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let room = Some(request.room_id.to_string());
    let sessions = backup_sessions(&read, &identity, request.version, room, None).await?;
    Ok(Json(json!({ "sessions": sessions_json(&sessions) })))
}
