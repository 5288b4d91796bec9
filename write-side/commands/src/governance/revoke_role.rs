//! Taking a role away, or giving it up.

use std::collections::BTreeSet;

use decide::governance::{self as rules, AccountStanding};
use facts::fact::Role;
use ruma::UserId;

use super::{Actor, GovernanceError, decide_as, governance, standing};
use crate::WriteSide;

/// Takes a role away.
pub async fn revoke_role(
    ws: &WriteSide,
    actor: &Actor,
    role: Role,
    holder: &UserId,
    reason: &str,
) -> Result<(), GovernanceError> {
    let active = active_officers(ws).await?;
    let act = actor.act(reason);
    decide_as(ws, &actor.user, |fold| {
        rules::revoke_role(fold, role, holder.as_str(), &active, act.clone())
    })
    .await?;
    Ok(())
}

/// The officers whose accounts can be used. One who becomes an officer meanwhile does not count,
/// which errs on the side of refusing.
async fn active_officers(ws: &WriteSide) -> Result<BTreeSet<String>, GovernanceError> {
    let officers: Vec<String> =
        governance(ws, |fold| fold.roles.officers().map(str::to_owned).collect()).await?;
    let mut active = BTreeSet::new();
    for officer in officers {
        let Ok(user) = UserId::parse(officer.as_str()) else { continue };
        if standing(ws, &user).await? == AccountStanding::Active {
            active.insert(officer);
        }
    }
    Ok(active)
}
