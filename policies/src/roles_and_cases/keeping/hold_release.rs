//! Releases of holds, and telling custodians:
//! `POST /_chancery/admin/v1/holds/{hold}/release`, `…/holds/{hold}/notified`,
//! `…/holds/releases/{request}/approve` and `…/reject`.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use commands::governance;
use facts::{LogPosition, fact::HoldExtent};
use http_edge::{JsonBody, Path};
use ruma::OwnedUserId;
use serde::Deserialize;
use serde_json::json;

use crate::roles_and_cases::{Answer, Officer, StaffRoutes, officer::Reason};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    /// Parts by number; left out for the whole hold.
    parts: Option<BTreeSet<u32>>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notified {
    users: BTreeSet<OwnedUserId>,
    /// How they were told.
    reason: String,
}

/// Asks for a release; answers the number of the request. Everything stays held.
pub(super) async fn request_release(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(hold): Path<u64>,
    JsonBody(body): JsonBody<Release>,
) -> Answer {
    let (ws, hold) = (&routes.write_side, LogPosition(hold));
    let extent = body.parts.map_or(HoldExtent::Whole, HoldExtent::Parts);
    let request = governance::request_release(ws, &actor, hold, &extent, &body.reason).await?;
    Ok(Json(json!({ "request": request.0 })))
}

/// The second pair of eyes. Destroys nothing by itself.
pub(super) async fn approve_release(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(request): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    let (ws, request) = (&routes.write_side, LogPosition(request));
    governance::approve_release(ws, &actor, request, &body.reason).await?;
    Ok(Json(json!({})))
}

/// Refusing a release, or taking it back.
pub(super) async fn reject_release(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(request): Path<u64>,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    let (ws, request) = (&routes.write_side, LogPosition(request));
    governance::reject_release(ws, &actor, request, &body.reason).await?;
    Ok(Json(json!({})))
}

/// States that custodians were told of the hold.
pub(super) async fn notify_custodians(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(hold): Path<u64>,
    JsonBody(body): JsonBody<Notified>,
) -> Answer {
    let (ws, hold) = (&routes.write_side, LogPosition(hold));
    let users: BTreeSet<String> = body.users.iter().map(ToString::to_string).collect();
    governance::notify_custodians(ws, &actor, hold, &users, &body.reason).await?;
    Ok(Json(json!({})))
}
