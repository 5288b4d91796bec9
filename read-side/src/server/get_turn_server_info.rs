//! `GET /_matrix/client/v3/voip/turnServer`.

use axum::Json;
use http_edge::{Matrix, MatrixError};
use ruma::api::client::voip::get_turn_server_info::v3::Request;
use serde_json::{Value, json};

/// Client-server API, `getTurnServer`. No TURN server can be configured; clients read an empty
/// object as "there is none" and do without.
pub(crate) async fn get_turn_server_info(
    Matrix { identity, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    Ok(Json(json!({})))
}
