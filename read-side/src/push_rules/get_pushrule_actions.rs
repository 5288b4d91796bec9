//! `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::push::get_pushrule_actions::v3::Request;
use serde_json::{Value, json};

use super::rule;
use crate::state::ReadSide;

/// Client-server API, `getPushRuleActions`.
pub(crate) async fn get_pushrule_actions(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let user = identity.user_stream;
    let rule = rule(&read, user, identity.user, request.kind, request.rule_id).await?;
    Ok(Json(json!({ "actions": rule.get("actions") })))
}
