//! Refusing or withdrawing a request for a role.

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{Act, RoleRejected},
};

use super::{GovernanceFold, GovernanceRefusal, check_reason};

/// Any officer refuses it; whoever asked takes it back. One person is enough: nothing is given.
pub fn reject_role(
    fold: &GovernanceFold,
    request: LogPosition,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    let asked = fold.roles.request(request, now);
    // Whoever is no officer learns nothing of requests, but for the own ones.
    if asked.as_ref().map_or(true, |wanted| wanted.requester != by.user) {
        fold.roles.require_officer(&by.user)?;
    }
    asked?;
    check_reason(&by.reason)?;
    Ok(vec![RoleRejected { request, by }.into()])
}
