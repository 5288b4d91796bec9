//! `POST /_chancery/admin/v1/roles/requests/{request}/approve`: the second pair of eyes.

use axum::{Json, extract::State};
use commands::governance;
use facts::LogPosition;
use http_edge::{JsonBody, Path};
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::Reason};

/// The grantee holds the role once this answers.
pub(super) async fn approve_role(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(request): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    governance::approve_role(&routes.write_side, &actor, LogPosition(request), &body.reason)
        .await?;
    Ok(Json(json!({})))
}
