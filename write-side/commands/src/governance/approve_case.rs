//! Approving a case.

use decide::governance as rules;
use facts::LogPosition;

use super::{Actor, GovernanceError, decide_as, governance, was_member};
use crate::WriteSide;

/// Approves a case: the two persons may read once this answers. The approver was in none of its
/// rooms in its time.
pub async fn approve_case(
    ws: &WriteSide,
    actor: &Actor,
    case: LogPosition,
    reason: &str,
) -> Result<(), GovernanceError> {
    // A case's scope never changes; one that is not there is refused by the rules.
    let scope = governance(ws, |fold| fold.cases.get(case).ok().map(|case| case.scope.clone()));
    let member_of_scope = match scope.await? {
        Some(scope) => was_member(ws, &scope, &actor.user).await?,
        None => false,
    };
    let (act, now) = (actor.act(reason), ws.now());
    decide_as(ws, &actor.user, |fold| {
        rules::approve_case(fold, case, member_of_scope, act.clone(), now)
    })
    .await?;
    Ok(())
}
