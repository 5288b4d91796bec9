//! Taking a role away, or giving it up.

use std::collections::BTreeSet;

use facts::{
    Fact,
    fact::{Act, Role, RoleRevoked},
};

use super::{GovernanceFold, GovernanceRefusal, OFFICERS_MIN, check_reason};

/// An officer takes a role from somebody else, or the holder gives it up. One person is enough:
/// taking away is the safe direction. Two officers must be left; `active` are those officers
/// whose accounts can be used.
pub fn revoke_role(
    fold: &GovernanceFold,
    role: Role,
    holder: &str,
    active: &BTreeSet<String>,
    by: Act,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    if by.user != holder {
        fold.roles.require_officer(&by.user)?;
    }
    check_reason(&by.reason)?;
    if !fold.roles.of(holder).any(|held| held == role) {
        return Err(GovernanceRefusal::NotHeld);
    }
    let before = fold.roles.officers().filter(|user| active.contains(*user)).count();
    let stays = fold.roles.of(holder).any(|other| other != role && other.is_officer());
    let counted = fold.roles.is_officer(holder) && active.contains(holder);
    let leaves = role.is_officer() && !stays && counted;
    // Where the holder's account cannot be used, or the role does not count, nothing is lost by
    // taking it.
    if leaves && before <= OFFICERS_MIN {
        return Err(GovernanceRefusal::TooFewOfficers);
    }
    Ok(vec![RoleRevoked { role, holder: holder.to_owned(), by }.into()])
}
