//! `GET` and `POST /_chancery/admin/v1/erasures`, `POST …/erasures/{request}/withdraw`.

use axum::{Json, extract::State};
use commands::governance::{self, governance, read_staff_record};
use decide::governance::GovernanceFold;
use facts::{LogPosition, fact::StaffRecord};
use http_edge::{JsonBody, Path};
use ruma::OwnedUserId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::roles_and_cases::{Answer, Officer, StaffRoutes, officer::Reason};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    user: OwnedUserId,
    reason: String,
}

/// The erasures under way, for officers and auditors.
pub(super) async fn list_erasures(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    let ws = &routes.write_side;
    read_staff_record(ws, &actor, StaffRecord::Erasures).await?;
    Ok(Json(json!({ "erasures": governance(ws, erasures_json).await? })))
}

fn erasures_json(fold: &GovernanceFold) -> Vec<Value> {
    let holds = fold.holds.index();
    fold.erasures
        .iter()
        .map(|(request, erasure)| {
            let held: Vec<u64> =
                holds.touching_user(&erasure.user).into_iter().map(|hold| hold.0).collect();
            json!({
                "request": request.0,
                "user": erasure.user,
                "requester": erasure.requester,
                "requested_at": erasure.requested_at.0,
                "held_by": held,
            })
        })
        .collect()
}

/// Asks for an erasure; answers its number.
pub(super) async fn request_erasure(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Request>,
) -> Answer {
    let ws = &routes.write_side;
    let request = governance::request_erasure(ws, &actor, &body.user, &body.reason).await?;
    Ok(Json(json!({ "request": request.0 })))
}

/// Takes it back; what was destroyed meanwhile stays destroyed.
pub(super) async fn withdraw_erasure(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(request): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    let (ws, request) = (&routes.write_side, LogPosition(request));
    governance::withdraw_erasure(ws, &actor, request, &body.reason).await?;
    Ok(Json(json!({})))
}
