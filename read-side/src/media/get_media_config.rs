//! `GET /_matrix/client/v1/media/config`, and under its older path `/_matrix/media/v3/config`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError, Session};
use ruma::api::client::{authenticated_media, media};
use serde_json::{Value, json};

use crate::state::ReadSide;

/// Client-server API, `getConfigAuthed`.
pub(crate) async fn get_media_config(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<authenticated_media::get_media_config::v1::Request>,
) -> Result<Json<Value>, MatrixError> {
    config(&read, &identity)
}

/// Client-server API, `getConfig`; deprecated since v1.11.
#[expect(deprecated, reason = "clients of before v1.11 ask here")]
pub(crate) async fn get_legacy_media_config(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<media::get_media_config::v3::Request>,
) -> Result<Json<Value>, MatrixError> {
    config(&read, &identity)
}

fn config(read: &ReadSide, session: &Session) -> Result<Json<Value>, MatrixError> {
    session.refuse_guest()?;
    Ok(Json(json!({ "m.upload.size": read.settings().upload_bytes_max })))
}
