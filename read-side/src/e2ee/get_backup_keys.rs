//! `GET /_matrix/client/v3/room_keys/keys`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::query::StoredSession;
use ruma::api::client::backup::get_backup_keys::v3::Request;
use serde_json::{Map, Value, json};

use super::backup_version::{backup_sessions, sessions_json};
use crate::state::ReadSide;

/// Client-server API, `getRoomKeys`.
pub(crate) async fn get_backup_keys(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let sessions = backup_sessions(&read, &identity, request.version, None, None).await?;
    let mut rooms: BTreeMap<&str, Vec<&StoredSession>> = BTreeMap::new();
    for session in &sessions {
        rooms.entry(&session.room).or_default().push(session);
    }
    let rooms: Map<String, Value> = rooms
        .into_iter()
        .map(|(room, sessions)| (room.to_owned(), json!({ "sessions": sessions_json(sessions) })))
        .collect();
    Ok(Json(json!({ "rooms": rooms })))
}
