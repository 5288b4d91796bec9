//! `GET /_matrix/client/v3/profile/{userId}/{keyName}`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::profile::get_profile_field::v3::Request;
use serde_json::Value;

use super::profile_owner::one_field;
use crate::state::ReadSide;

/// Client-server API, `getProfileField`.
pub(crate) async fn get_profile_field(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    one_field(&read, request.user_id, request.field.to_string()).await.map(Json)
}
