//! A hold as JSON.

use decide::governance::HoldInForce;
use facts::{
    LogPosition, Timestamp,
    fact::{HoldExtent, Scope, Subject},
};
use serde_json::{Value, json};

/// A hold in force, as it stands at `now`.
pub(super) fn hold_json(number: LogPosition, hold: &HoldInForce, now: Timestamp) -> Value {
    let parts: Vec<Value> =
        hold.parts.iter().map(|(part, scope)| part_json(*part, scope)).collect();
    let release = hold.waiting(now).map(|request| {
        let parts = match &request.extent {
            HoldExtent::Whole => None,
            HoldExtent::Parts(parts) => Some(parts),
        };
        json!({
            "request": request.request.0,
            "parts": parts,
            "requester": request.requester,
            "reason": request.reason,
            "requested_at": request.requested_at.0,
            "expires_at": request.expires_at().0,
        })
    });
    json!({
        "hold": number.0,
        "matter": hold.matter,
        "case": hold.case.map(|case| case.0),
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at.0,
        "parts": parts,
        "release": release,
    })
}

/// Everybody whom it names, and when each was told first.
pub(super) fn custodians_json(hold: &HoldInForce) -> Vec<Value> {
    let told = |user: &str| hold.notified.get(user).map(|at| at.0);
    hold.custodians()
        .into_iter()
        .map(|user| json!({ "user": user, "notified_at": told(user) }))
        .collect()
}

fn part_json(number: u32, scope: &Scope) -> Value {
    let names = |subjects: &[Subject]| -> Vec<String> {
        subjects.iter().map(|subject| subject.name.clone()).collect()
    };
    json!({
        "part": number,
        "users": names(&scope.users),
        "rooms": names(&scope.rooms),
        "from": scope.from.map(|at| at.0),
        "until": scope.until.map(|at| at.0),
    })
}
