//! Refusing or withdrawing a request for a role.

use decide::governance as rules;
use facts::LogPosition;

use super::{Actor, GovernanceError, decide_as};
use crate::WriteSide;

/// Ends a request without granting it.
pub async fn reject_role(
    ws: &WriteSide,
    actor: &Actor,
    request: LogPosition,
    reason: &str,
) -> Result<(), GovernanceError> {
    let (act, now) = (actor.act(reason), ws.now());
    let decide = |fold: &rules::GovernanceFold| rules::reject_role(fold, request, act.clone(), now);
    decide_as(ws, &actor.user, decide).await?;
    Ok(())
}
