//! Approving a role: the second pair of eyes.

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{Act, RoleApproved},
};

use super::{AccountStanding, GovernanceFold, GovernanceRefusal, check_reason};

/// An officer who neither asked nor would hold the role approves. `standing` is the grantee's.
pub fn approve_role(
    fold: &GovernanceFold,
    request: LogPosition,
    standing: AccountStanding,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    let wanted = fold.roles.request(request, now)?;
    if wanted.requester == by.user {
        return Err(GovernanceRefusal::ApproverAsked);
    }
    if wanted.grantee == by.user {
        return Err(GovernanceRefusal::ApproverIsGrantee);
    }
    if !fold.roles.is_officer(&wanted.requester) {
        return Err(GovernanceRefusal::RequesterIsNoOfficer);
    }
    standing.require_active()?;
    Ok(vec![RoleApproved { request, by }.into()])
}
