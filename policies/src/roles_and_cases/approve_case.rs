//! `POST /_chancery/admin/v1/cases/{case}/approve`: the second pair of eyes.

use axum::{Json, extract::State};
use commands::governance;
use facts::LogPosition;
use http_edge::{JsonBody, Path};
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::Reason};

/// The two persons may read once this answers.
pub(super) async fn approve_case(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    governance::approve_case(&routes.write_side, &actor, LogPosition(case), &body.reason).await?;
    Ok(Json(json!({})))
}
