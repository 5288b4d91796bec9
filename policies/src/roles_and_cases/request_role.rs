//! `POST /_chancery/admin/v1/roles/requests`: asking for a role, for somebody else.

use axum::{Json, extract::State};
use commands::governance;
use http_edge::JsonBody;
use ruma::OwnedUserId;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::role_named};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    role: String,
    user: OwnedUserId,
    reason: String,
}

/// Asks; answers the number of the request.
pub(super) async fn request_role(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Body>,
) -> Answer {
    let (ws, role) = (&routes.write_side, role_named(&body.role)?);
    let request = governance::request_role(ws, &actor, role, &body.user, &body.reason).await?;
    Ok(Json(json!({ "request": request.0 })))
}
