//! `GET /_matrix/client/v3/profile/{userId}/avatar_url`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::profile::get_avatar_url::v3::Request;
use serde_json::Value;

use super::profile_owner::one_field;
use crate::state::ReadSide;

/// Client-server API, `getProfileField` for the avatar.
pub(crate) async fn get_avatar_url(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    one_field(&read, request.user_id, "avatar_url".to_owned()).await.map(Json)
}
