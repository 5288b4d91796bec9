//! `GET /_matrix/client/v3/user/{userId}/account_data/{type}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::config::get_global_account_data::v3::Request;
use serde_json::{Value, json};

use super::no_data;
use crate::{caller::only_own, push_rules::rules_of, state::ReadSide};

/// Client-server API, `getAccountData`.
pub(crate) async fn get_global_account_data(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let user = identity.user_stream;
    let event_type = request.event_type.to_string();
    let value = read
        .ask(move |snapshot| {
            if event_type == "m.push_rules" {
                let rules = rules_of(snapshot, user, &identity.user)?;
                return Ok(Some(json!({ "global": rules })));
            }
            let content = snapshot.account_data(user, None, &event_type)?;
            Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
        })
        .await?;
    value.map(Json).ok_or_else(no_data)
}
