//! Releasing a hold or parts of it, and telling custodians.

use std::collections::BTreeSet;

use decide::governance::{self as rules, HoldRefusal};
use facts::{LogPosition, fact::HoldExtent};

use super::{Actor, decide_with::decide_with};
use crate::{CommandError, WriteSide};

/// Asks for a release; gives the request's name. Everything stays held.
pub async fn request_release(
    ws: &WriteSide,
    actor: &Actor,
    hold: LogPosition,
    extent: &HoldExtent,
    reason: &str,
) -> Result<LogPosition, CommandError<HoldRefusal>> {
    let (act, now) = (actor.act(reason), ws.now());
    decide_with(ws, actor, |fold| {
        rules::request_release(fold, hold, extent.clone(), act.clone(), now)
    })
    .await
}

/// A second person agrees. Destroys nothing by itself.
pub async fn approve_release(
    ws: &WriteSide,
    actor: &Actor,
    request: LogPosition,
    reason: &str,
) -> Result<(), CommandError<HoldRefusal>> {
    let (act, now) = (actor.act(reason), ws.now());
    decide_with(ws, actor, |fold| rules::approve_release(fold, request, act.clone(), now)).await?;
    Ok(())
}

/// Refuses a release, or takes it back.
pub async fn reject_release(
    ws: &WriteSide,
    actor: &Actor,
    request: LogPosition,
    reason: &str,
) -> Result<(), CommandError<HoldRefusal>> {
    let (act, now) = (actor.act(reason), ws.now());
    decide_with(ws, actor, |fold| rules::reject_release(fold, request, act.clone(), now)).await?;
    Ok(())
}

/// States that custodians were told of the hold.
pub async fn notify_custodians(
    ws: &WriteSide,
    actor: &Actor,
    hold: LogPosition,
    users: &BTreeSet<String>,
    reason: &str,
) -> Result<(), CommandError<HoldRefusal>> {
    let act = actor.act(reason);
    decide_with(ws, actor, |fold| rules::notify_custodians(fold, hold, users.clone(), act.clone()))
        .await?;
    Ok(())
}
