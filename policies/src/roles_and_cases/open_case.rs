//! `POST /_chancery/admin/v1/cases`: asking to read content.

use axum::{Json, extract::State};
use commands::governance::{self, CaseWish};
use facts::Timestamp;
use http_edge::JsonBody;
use ruma::{OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Officer, StaffRoutes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    #[serde(default)]
    users: Vec<OwnedUserId>,
    #[serde(default)]
    rooms: Vec<OwnedRoomId>,
    /// Milliseconds since the Unix epoch, of received time; inclusive.
    from: Option<u64>,
    /// Milliseconds since the Unix epoch, of received time; exclusive.
    until: Option<u64>,
    /// Milliseconds since the Unix epoch.
    expires_at: u64,
    reason: String,
}

/// Asks; answers the number of the case. Nothing may be read before it is approved.
pub(super) async fn open_case(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Body>,
) -> Answer {
    let wish = CaseWish {
        users: body.users,
        rooms: body.rooms,
        from: body.from.map(Timestamp),
        until: body.until.map(Timestamp),
        expires_at: Timestamp(body.expires_at),
        reason: body.reason,
    };
    let case = governance::open_case(&routes.write_side, &actor, &wish).await?;
    Ok(Json(json!({ "case": case.0 })))
}
