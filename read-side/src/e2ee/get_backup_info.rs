//! `GET /_matrix/client/v3/room_keys/version/{version}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::backup::get_backup_info::v3::Request;
use serde_json::Value;

use super::backup_version::{backup_version, version_json};
use crate::state::ReadSide;

/// Client-server API, `getRoomKeysVersion`.
pub(crate) async fn get_backup_info(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let user = identity.user_stream;
    let version =
        read.ask(move |snapshot| backup_version(snapshot, user, Some(&request.version))).await?;
    Ok(Json(version_json(&version)))
}
