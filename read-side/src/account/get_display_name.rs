//! `GET /_matrix/client/v3/profile/{userId}/displayname`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::profile::get_display_name::v3::Request;
use serde_json::Value;

use super::profile_owner::one_field;
use crate::state::ReadSide;

/// Client-server API, `getProfileField` for the display name.
pub(crate) async fn get_display_name(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    one_field(&read, request.user_id, "displayname".to_owned()).await.map(Json)
}
