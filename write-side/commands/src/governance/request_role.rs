//! Asking for a role, for somebody else.

use decide::governance as rules;
use facts::{LogPosition, fact::Role};
use ruma::UserId;

use super::{Actor, GovernanceError, decide_as, standing};
use crate::WriteSide;

/// Asks; gives the number of the request.
pub async fn request_role(
    ws: &WriteSide,
    actor: &Actor,
    role: Role,
    grantee: &UserId,
    reason: &str,
) -> Result<LogPosition, GovernanceError> {
    let standing = standing(ws, grantee).await?;
    let (act, now) = (actor.act(reason), ws.now());
    decide_as(ws, &actor.user, |fold| {
        rules::request_role(fold, role, grantee.as_str(), standing, act.clone(), now)
    })
    .await
}
