//! The first set-up of roles, by the operator.

use facts::{Fact, fact::RolesBootstrapped};

use super::{AccountStanding, GovernanceFold, GovernanceRefusal, OFFICERS_MIN};

/// Names the first compliance officers. Once, while there is no fact about a role.
pub fn bootstrap_roles(
    fold: &GovernanceFold,
    officers: &[(String, AccountStanding)],
) -> Result<Vec<Fact>, GovernanceRefusal> {
    if fold.roles.set_up {
        return Err(GovernanceRefusal::RolesExist);
    }
    match officers {
        [(first, _), (second, _)] if first != second => {}
        _ => return Err(GovernanceRefusal::NotTwoOfficers),
    }
    debug_assert_eq!(officers.len(), OFFICERS_MIN, "as many as four eyes need");
    for (_, standing) in officers {
        standing.require_active()?;
    }
    let officers = officers.iter().map(|(user, _)| user.clone()).collect();
    Ok(vec![RolesBootstrapped { officers }.into()])
}
