//! `POST` and `GET /_chancery/admin/v1/policies/run`: asking for a run, and how it goes.
//!
//! Owns who may ask. A run destroys what is due by the policies and nothing else, so that asking
//! for one only says when; it comes by itself too.

use axum::{Json, extract::State};
use commands::{CommandError, governance::governance};
use decide::governance::check_reason;
use http_edge::JsonBody;
use serde_json::json;

use super::require_staff;
use crate::roles_and_cases::{Answer, Officer, StaffRoutes, officer::Reason};

/// Asks for a run, as an officer; answers the ticket to wait for.
pub(super) async fn run_policies(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Reason>,
) -> Answer {
    let allowed = governance(&routes.write_side, |fold| {
        fold.roles.require_officer(actor.user.as_str())?;
        check_reason(&body.reason)
    });
    allowed.await?.map_err(CommandError::Refusal)?;
    let ticket = routes.destruction.ask(actor.act(&body.reason));
    Ok(Json(json!({ "ticket": ticket })))
}

/// Whether a run is under way, and what the last one came to.
pub(super) async fn get_status(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    require_staff(&routes.write_side, &actor).await?;
    let status = routes.destruction.status();
    let last = status.last.map(|last| match last {
        Ok(done) => json!({ "receipt": done.receipt.map(|at| at.0), "orders": done.orders }),
        Err(fault) => json!({ "failed": fault }),
    });
    let waiting = routes.destruction.waiting();
    let waiting =
        waiting.map(|waiting| json!({ "order": waiting.order.0, "trouble": waiting.trouble }));
    Ok(Json(json!({
        "running": status.running, "answered": status.answered, "last": last,
        "waiting": waiting,
    })))
}
