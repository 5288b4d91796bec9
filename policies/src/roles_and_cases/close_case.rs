//! `POST /_chancery/admin/v1/cases/{case}/close`: ending a case before its time.

use axum::{Json, extract::State};
use commands::governance;
use facts::LogPosition;
use http_edge::{JsonBody, Path};
use serde_json::json;

use super::{Answer, Officer, StaffRoutes, officer::Reason};

/// Nothing may be read once this answers.
pub(super) async fn close_case(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    governance::close_case(&routes.write_side, &actor, LogPosition(case), &body.reason).await?;
    Ok(Json(json!({})))
}
