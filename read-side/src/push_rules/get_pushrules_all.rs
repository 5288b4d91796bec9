//! `GET /_matrix/client/v3/pushrules/`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::push::get_pushrules_all::v3::Request;
use serde_json::{Value, json};

use super::rules_of;
use crate::state::ReadSide;

/// Client-server API, `getPushRules`.
pub(crate) async fn get_pushrules_all(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let rules = read
        .ask(move |snapshot| Ok(rules_of(snapshot, identity.user_stream, &identity.user)?))
        .await?;
    Ok(Json(json!({ "global": rules })))
}
