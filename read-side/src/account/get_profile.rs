//! `GET /_matrix/client/v3/profile/{userId}`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::profile::get_profile::v3::Request;
use serde_json::{Map, Value};

use super::profile_owner::{local_only, profile_owner};
use crate::state::ReadSide;

/// Client-server API, `getUserProfile`.
pub(crate) async fn get_profile(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    local_only(&read, &request.user_id)?;
    let profile = read
        .ask(move |snapshot| {
            let user = profile_owner(snapshot, &request.user_id)?;
            let fields = snapshot.profile(user)?;
            let fields: Map<String, Value> = fields
                .into_iter()
                .filter_map(|(field, json)| Some((field, serde_json::from_slice(&json).ok()?)))
                .collect();
            Ok(fields)
        })
        .await?;
    Ok(Json(Value::Object(profile)))
}
