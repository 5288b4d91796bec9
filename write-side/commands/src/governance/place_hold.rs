//! Placing and widening a hold.

use decide::governance::{self as rules, HoldRefusal};
use facts::LogPosition;

use super::{
    Actor,
    decide_with::{ask, decide_with},
    hold_scope::{HoldPartWish, scopes},
};
use crate::{CommandError, WriteSide};

/// Places a hold; gives its name. Once this answers, nothing that it covers is destroyed.
pub async fn place_hold(
    ws: &WriteSide,
    actor: &Actor,
    matter: &str,
    parts: &[HoldPartWish],
    case: Option<LogPosition>,
    reason: &str,
) -> Result<LogPosition, CommandError<HoldRefusal>> {
    ask(ws, |fold| rules::require_holder(&fold.roles, actor.user.as_str())).await?;
    let (parts, act) = (scopes(ws, parts)?, actor.act(reason));
    decide_with(ws, actor, |fold| rules::place_hold(fold, matter, parts.clone(), case, act.clone()))
        .await
}

/// Adds parts to a hold. A release that waits is over by that.
pub async fn widen_hold(
    ws: &WriteSide,
    actor: &Actor,
    hold: LogPosition,
    parts: &[HoldPartWish],
    reason: &str,
) -> Result<(), CommandError<HoldRefusal>> {
    ask(ws, |fold| rules::require_holder(&fold.roles, actor.user.as_str())).await?;
    let (parts, act) = (scopes(ws, parts)?, actor.act(reason));
    decide_with(ws, actor, |fold| rules::widen_hold(fold, hold, parts.clone(), act.clone()))
        .await?;
    Ok(())
}
