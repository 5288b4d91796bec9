//! A case as JSON.

use decide::governance::{Case, CaseEnd, Decided};
use facts::{LogPosition, Timestamp, fact::Subject};
use serde_json::{Value, json};

/// A case, as it stands at `now`.
pub(super) fn case_json(number: LogPosition, case: &Case, now: Timestamp) -> Value {
    let names = |subjects: &[Subject]| -> Vec<String> {
        subjects.iter().map(|subject| subject.name.clone()).collect()
    };
    let ended = case.end.as_ref().map(|end| match end {
        CaseEnd::Rejected(decided) | CaseEnd::Closed(decided) => decided_json(decided),
    });
    json!({
        "case": number.0,
        "status": case.status(now).name(),
        "scope": {
            "users": names(&case.scope.users),
            "rooms": names(&case.scope.rooms),
            "from": case.scope.from.map(|at| at.0),
            "until": case.scope.until.map(|at| at.0),
        },
        "requester": case.requester,
        "reason": case.reason,
        "opened_at": case.opened_at.0,
        "expires_at": case.expires_at.0,
        "approved": case.approval.as_ref().map(decided_json),
        "ended": ended,
    })
}

fn decided_json(decided: &Decided) -> Value {
    json!({ "by": decided.user, "reason": decided.reason, "at": decided.at.0 })
}
