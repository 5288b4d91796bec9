//! Refusing or withdrawing a case.

use decide::governance as rules;
use facts::LogPosition;

use super::{Actor, GovernanceError, decide_as};
use crate::WriteSide;

/// Ends a case that waits, without approving it.
pub async fn reject_case(
    ws: &WriteSide,
    actor: &Actor,
    case: LogPosition,
    reason: &str,
) -> Result<(), GovernanceError> {
    let (act, now) = (actor.act(reason), ws.now());
    let decide = |fold: &rules::GovernanceFold| rules::reject_case(fold, case, act.clone(), now);
    decide_as(ws, &actor.user, decide).await?;
    Ok(())
}
