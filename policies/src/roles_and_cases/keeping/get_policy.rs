//! `GET /_chancery/admin/v1/policies`: the document in force.

use axum::{Json, extract::State};
use commands::governance::{governance, read_staff_record};
use facts::fact::StaffRecord;
use serde_json::json;

use super::{applied::applied_at, hex};
use crate::roles_and_cases::{Answer, Officer, StaffRoutes};

/// Its text, version and digest, for officers and auditors; version 0 is none.
pub(super) async fn get_policy(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    let ws = &routes.write_side;
    read_staff_record(ws, &actor, StaffRecord::Policies).await?;
    let Some(position) = governance(ws, |fold| fold.policies.applied).await? else {
        return Ok(Json(json!({ "version": 0, "document": null, "sha256": null })));
    };
    let applied = applied_at(&routes, position).await?;
    Ok(Json(json!({
        "version": applied.version,
        "document": applied.text,
        "sha256": hex(&applied.sha256),
        "position": position.0,
        "by": applied.by.user,
        "reason": applied.by.reason,
    })))
}
