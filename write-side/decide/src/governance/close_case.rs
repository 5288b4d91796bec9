//! Closing a case before its time.

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{Act, CaseClosed},
};

use super::{CaseStatus, GovernanceFold, GovernanceRefusal, check_reason, open_case::names_person};

/// Any officer closes a case that is in force. One person is enough: it takes away.
/// Nobody ends a case that names himself.
pub fn close_case(
    fold: &GovernanceFold,
    case: LogPosition,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    let found = fold.cases.get(case)?;
    if names_person(&found.scope, &by.user) {
        return Err(GovernanceRefusal::InScope);
    }
    match found.status(now) {
        CaseStatus::InForce => Ok(vec![CaseClosed { case, by }.into()]),
        other => Err(GovernanceRefusal::NotInForce(other)),
    }
}
