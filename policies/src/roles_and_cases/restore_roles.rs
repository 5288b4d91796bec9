//! `POST /_chancery/admin/v1/roles/restore`: vouching for an officer whose credentials the
//! operator has set.

use axum::{Json, extract::State};
use commands::governance;
use http_edge::JsonBody;
use ruma::OwnedUserId;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Officer, StaffRoutes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    user: OwnedUserId,
    reason: String,
}

/// Lets the roles count again.
pub(super) async fn restore_roles(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Body>,
) -> Answer {
    governance::restore_roles(&routes.write_side, &actor, &body.user, &body.reason).await?;
    Ok(Json(json!({})))
}
