//! Policies, holds and erasures over HTTP.
//!
//! Owns their rows of the staff's table, and who may look. Roles and locks are the commands' to
//! check; nothing here destroys but a run of the
//! policies, which is asked for here, and no content leaves by it.

mod applied;
mod apply_policy;
mod erasures;
mod errors;
mod explain_event;
mod facts_page;
mod get_policy;
mod hold_json;
mod hold_release;
mod holds;
mod judging;
mod place_hold;
mod plan_destruction;
mod policy_history;
mod run_policies;
mod run_receipts;

use axum::routing::{MethodRouter, get, post};
use commands::{
    CommandError, WriteSide,
    governance::{Actor, governance},
};

use super::{EndpointError, StaffRoute, StaffRoutes};

/// The rows of the table.
pub(super) fn table() -> Vec<(StaffRoute, MethodRouter<StaffRoutes>)> {
    let read = |path, handler| (StaffRoute { method: "GET", path }, handler);
    let act = |path, handler| (StaffRoute { method: "POST", path }, handler);
    vec![
        read("/policies", get(get_policy::get_policy)),
        act("/policies", post(apply_policy::apply_policy)),
        read("/policies/history", get(policy_history::policy_history)),
        read("/policies/explain", get(explain_event::explain_event)),
        read("/policies/plan", get(plan_destruction::plan_destruction)),
        act("/policies/run", post(run_policies::run_policies)),
        read("/policies/run", get(run_policies::get_status)),
        read("/policies/receipts", get(run_receipts::run_receipts)),
        read("/holds", get(holds::list_holds)),
        act("/holds", post(place_hold::place_hold)),
        read("/holds/{hold}", get(holds::get_hold)),
        act("/holds/{hold}/widen", post(place_hold::widen_hold)),
        act("/holds/{hold}/release", post(hold_release::request_release)),
        act("/holds/{hold}/notified", post(hold_release::notify_custodians)),
        act("/holds/releases/{request}/approve", post(hold_release::approve_release)),
        act("/holds/releases/{request}/reject", post(hold_release::reject_release)),
        read("/erasures", get(erasures::list_erasures)),
        act("/erasures", post(erasures::request_erasure)),
        act("/erasures/{request}/withdraw", post(erasures::withdraw_erasure)),
    ]
}

/// Refuses everybody but officers and auditors.
async fn require_staff(ws: &WriteSide, actor: &Actor) -> Result<(), EndpointError> {
    let asked = governance(ws, |fold| fold.roles.require_staff(actor.user.as_str())).await?;
    Ok(asked.map_err(CommandError::Refusal)?)
}

/// A digest in hexadecimal.
fn hex(digest: &[u8; 32]) -> String {
    let digits = b"0123456789abcdef";
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(digits[usize::from(nibble)])).collect()
}
