//! `POST /_chancery/admin/v1/cases/{case}/reject`: refusing or withdrawing.

use axum::{Json, extract::State};
use commands::governance;
use facts::LogPosition;
use http_edge::{JsonBody, Path};
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::Reason};

/// Ends a case that waits.
pub(super) async fn reject_case(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    governance::reject_case(&routes.write_side, &actor, LogPosition(case), &body.reason).await?;
    Ok(Json(json!({})))
}
