//! Asking for a role, for somebody else.

use facts::{
    Fact, Timestamp,
    fact::{Act, Role, RoleRequested},
};

use super::{
    AccountStanding, GovernanceFold, GovernanceRefusal, REQUESTS_MAX, ROLE_HOLDERS_MAX,
    check_reason,
};

/// An officer asks that `grantee` be given `role`.
pub fn request_role(
    fold: &GovernanceFold,
    role: Role,
    grantee: &str,
    standing: AccountStanding,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    if by.user == grantee {
        return Err(GovernanceRefusal::SelfGrant);
    }
    standing.require_active()?;
    if fold.roles.of(grantee).any(|held| held == role) {
        return Err(GovernanceRefusal::AlreadyHolds);
    }
    let mut waiting = 0;
    for (_, request) in fold.roles.requests(now) {
        waiting += 1;
        if request.role == role && request.grantee == grantee {
            return Err(GovernanceRefusal::AlreadyRequested);
        }
    }
    if waiting >= REQUESTS_MAX || fold.roles.holders().count() >= ROLE_HOLDERS_MAX {
        return Err(GovernanceRefusal::TooMany);
    }
    Ok(vec![RoleRequested { role, grantee: grantee.to_owned(), by }.into()])
}
