//! Approving a case: the second pair of eyes.

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{Act, CaseApproved},
};

use super::{GovernanceFold, GovernanceRefusal, check_reason, open_case::names_person};

/// An officer who neither asked nor is in the scope approves. `member_of_scope`: the approver was
/// a member of one of the scope's rooms, now or in its time.
pub fn approve_case(
    fold: &GovernanceFold,
    case: LogPosition,
    member_of_scope: bool,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    let pending = fold.cases.pending(case, now)?;
    if pending.requester == by.user {
        return Err(GovernanceRefusal::ApproverAsked);
    }
    if member_of_scope || names_person(&pending.scope, &by.user) {
        return Err(GovernanceRefusal::InScope);
    }
    if !fold.roles.is_officer(&pending.requester) {
        return Err(GovernanceRefusal::RequesterIsNoOfficer);
    }
    Ok(vec![CaseApproved { case, by }.into()])
}
