//! Suspending roles whose holder's credentials the operator has set, and restoring them.
//!
//! Nobody is impersonated: without this, whoever may reset passwords could act as an officer.

use facts::{
    Fact,
    fact::{Act, RolesRestored, RolesSuspended},
};

use super::{GovernanceFold, GovernanceRefusal, check_reason};

/// The operator sets the credentials of `holder`. Nothing is to be done for somebody without a
/// role, or whose roles are suspended already.
pub fn suspend_roles(fold: &GovernanceFold, holder: &str) -> Vec<Fact> {
    if fold.roles.of(holder).next().is_none() || fold.roles.are_suspended(holder) {
        return Vec::new();
    }
    vec![RolesSuspended { holder: holder.to_owned() }.into()]
}

/// Another officer vouches that the holder is who acts.
pub fn restore_roles(
    fold: &GovernanceFold,
    holder: &str,
    by: Act,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    if !fold.roles.are_suspended(holder) {
        return Err(GovernanceRefusal::NotSuspended);
    }
    Ok(vec![RolesRestored { holder: holder.to_owned(), by }.into()])
}
