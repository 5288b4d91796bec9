//! `GET /_matrix/client/v3/room_keys/keys/{roomId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::backup::get_backup_keys_for_room::v3::Request;
use serde_json::{Value, json};

use super::backup_version::{backup_version, sessions_json};
use crate::state::ReadSide;

/// Client-server API, `getRoomKeysByRoomId`. A room without keys has no sessions.
pub(crate) async fn get_backup_keys_for_room(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let user = identity.user_stream;
    let sessions = read
        .ask(move |snapshot| {
            let version = backup_version(snapshot, user, Some(&request.version))?.version;
            let room = Some(request.room_id.as_str());
            Ok(snapshot.backup_sessions(user, version, room, None)?)
        })
        .await?;
    Ok(Json(json!({ "sessions": sessions_json(&sessions) })))
}
