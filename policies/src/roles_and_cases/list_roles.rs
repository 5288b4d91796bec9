//! `GET /_chancery/admin/v1/roles`: who holds which role, and what waits for approval.

use axum::{Json, extract::State};
use commands::governance::{governance, read_staff_record};
use decide::governance::Roles;
use facts::{Timestamp, fact::StaffRecord};
use serde_json::{Value, json};

use super::{Answer, Officer, StaffRoutes};

/// All of it, for officers and auditors.
pub(super) async fn list_roles(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    let ws = &routes.write_side;
    read_staff_record(ws, &actor, StaffRecord::Roles).await?;
    let now = ws.now();
    Ok(Json(governance(ws, |fold| roles_json(&fold.roles, now)).await?))
}

fn roles_json(roles: &Roles, now: Timestamp) -> Value {
    let holders: Vec<Value> = roles
        .holders()
        .map(|(user, held)| {
            let names: Vec<_> = held.iter().map(|role| role.name()).collect();
            json!({ "user": user, "roles": names, "suspended": roles.are_suspended(user) })
        })
        .collect();
    let requests: Vec<Value> = roles
        .requests(now)
        .map(|(number, request)| {
            json!({
                "request": number.0,
                "role": request.role.name(),
                "grantee": request.grantee,
                "requester": request.requester,
                "reason": request.reason,
                "requested_at": request.requested_at.0,
                "expires_at": request.expires_at().0,
            })
        })
        .collect();
    json!({ "holders": holders, "requests": requests })
}
