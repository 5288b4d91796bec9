//! Suspending roles whose holder's credentials the operator sets, and restoring them.

use decide::governance as rules;
use ruma::UserId;

use super::{Actor, GovernanceError, decide_as, decide_as_operator, governance};
use crate::WriteSide;

/// To be done before the operator sets somebody's credentials: a crash in between leaves roles
/// suspended, never an officer whom the operator can act as. Says whether roles are suspended now.
pub async fn suspend_roles(ws: &WriteSide, holder: &UserId) -> Result<bool, GovernanceError> {
    let (holds, suspended) = governance(ws, |fold| {
        let holds = fold.roles.of(holder.as_str()).next().is_some();
        (holds, fold.roles.are_suspended(holder.as_str()))
    })
    .await?;
    if holds && !suspended {
        decide_as_operator(ws, |fold| Ok(rules::suspend_roles(fold, holder.as_str()))).await?;
    }
    Ok(holds)
}

/// Another officer vouches for the holder.
pub async fn restore_roles(
    ws: &WriteSide,
    actor: &Actor,
    holder: &UserId,
    reason: &str,
) -> Result<(), GovernanceError> {
    let act = actor.act(reason);
    let restore = |fold: &_| rules::restore_roles(fold, holder.as_str(), act.clone());
    decide_as(ws, &actor.user, restore).await?;
    Ok(())
}
