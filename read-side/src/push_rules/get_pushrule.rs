//! `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::push::get_pushrule::v3::Request;
use serde_json::Value;

use super::rule;
use crate::state::ReadSide;

/// Client-server API, `getPushRule`.
pub(crate) async fn get_pushrule(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let user = identity.user_stream;
    rule(&read, user, identity.user, request.kind, request.rule_id).await.map(Json)
}
