//! Approving a role.

use decide::governance::{self as rules, AccountStanding};
use facts::LogPosition;
use ruma::UserId;

use super::{Actor, GovernanceError, decide_as, governance, standing};
use crate::WriteSide;

/// Approves a request: the grantee holds the role once this answers.
pub async fn approve_role(
    ws: &WriteSide,
    actor: &Actor,
    request: LogPosition,
    reason: &str,
) -> Result<(), GovernanceError> {
    let now = ws.now();
    let grantee = governance(ws, |fold| {
        fold.roles.request(request, now).ok().map(|request| request.grantee.clone())
    })
    .await?;
    // A request that is not there is refused by the rules, whatever stands here.
    let grantee = grantee.and_then(|grantee| UserId::parse(grantee).ok());
    let standing = match &grantee {
        Some(grantee) => standing(ws, grantee).await?,
        None => AccountStanding::Unknown,
    };
    let act = actor.act(reason);
    decide_as(ws, &actor.user, |fold| {
        rules::approve_role(fold, request, standing, act.clone(), now)
    })
    .await?;
    Ok(())
}
