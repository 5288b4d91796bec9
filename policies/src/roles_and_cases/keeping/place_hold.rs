//! `POST /_chancery/admin/v1/holds` and `POST …/holds/{hold}/widen`.

use axum::{Json, extract::State};
use commands::governance::{self, HoldPartWish};
use facts::{LogPosition, Timestamp};
use http_edge::{JsonBody, Path};
use ruma::{OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::json;

use crate::roles_and_cases::{Answer, Officer, StaffRoutes};

/// A part of a hold: persons, rooms, or these persons in these rooms.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    users: Vec<OwnedUserId>,
    #[serde(default)]
    rooms: Vec<OwnedRoomId>,
    /// Milliseconds since the Unix epoch, of received time; inclusive.
    from: Option<u64>,
    /// Milliseconds since the Unix epoch, of received time; exclusive.
    until: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    matter: String,
    parts: Vec<Part>,
    /// Number of the case that it belongs to.
    case: Option<u64>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Widen {
    parts: Vec<Part>,
    reason: String,
}

/// Places a hold; answers its number. From then on nothing that it covers is destroyed.
pub(super) async fn place_hold(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Place>,
) -> Answer {
    let (ws, parts) = (&routes.write_side, wishes(body.parts));
    let case = body.case.map(LogPosition);
    let hold = governance::place_hold(ws, &actor, &body.matter, &parts, case, &body.reason).await?;
    Ok(Json(json!({ "hold": hold.0 })))
}

/// Adds parts. A release that waits is over by that.
pub(super) async fn widen_hold(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(hold): Path<u64>,
    JsonBody(body): JsonBody<Widen>,
) -> Answer {
    let (ws, parts) = (&routes.write_side, wishes(body.parts));
    governance::widen_hold(ws, &actor, LogPosition(hold), &parts, &body.reason).await?;
    Ok(Json(json!({})))
}

fn wishes(parts: Vec<Part>) -> Vec<HoldPartWish> {
    let wish = |part: Part| HoldPartWish {
        users: part.users,
        rooms: part.rooms,
        from: part.from.map(Timestamp),
        until: part.until.map(Timestamp),
    };
    parts.into_iter().map(wish).collect()
}
