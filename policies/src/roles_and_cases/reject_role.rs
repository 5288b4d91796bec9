//! `POST /_chancery/admin/v1/roles/requests/{request}/reject`: refusing or withdrawing.

use axum::{Json, extract::State};
use commands::governance;
use facts::LogPosition;
use http_edge::{JsonBody, Path};
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::Reason};

/// Ends the request.
pub(super) async fn reject_role(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(request): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    governance::reject_role(&routes.write_side, &actor, LogPosition(request), &body.reason).await?;
    Ok(Json(json!({})))
}
