//! Refusing or withdrawing a case.

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{Act, CaseRejected},
};

use super::{GovernanceFold, GovernanceRefusal, check_reason, open_case::names_person};

/// Any officer refuses a case that waits; whoever asked takes it back. One person is enough:
/// nothing is allowed by it. Nobody ends a case that names himself.
pub fn reject_case(
    fold: &GovernanceFold,
    case: LogPosition,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    if names_person(&fold.cases.pending(case, now)?.scope, &by.user) {
        return Err(GovernanceRefusal::InScope);
    }
    Ok(vec![CaseRejected { case, by }.into()])
}
