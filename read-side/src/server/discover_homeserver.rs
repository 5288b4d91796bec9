//! `GET /.well-known/matrix/client`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::discovery::discover_homeserver::Request;
use serde_json::{Value, json};

use crate::state::ReadSide;

/// Client-server API, `getWellknown`. Without a public base URL there is nothing to discover.
pub(crate) async fn discover_homeserver(
    State(read): State<ReadSide>,
    _: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let base_url = read
        .settings()
        .public_base_url
        .as_ref()
        .ok_or_else(|| MatrixError::not_found("This server publishes no discovery"))?;
    Ok(Json(json!({ "m.homeserver": { "base_url": base_url } })))
}
