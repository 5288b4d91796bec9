//! Applying a policy document.

use decide::governance::{self as rules, ApplyPolicy, PolicyRefusal};
use facts::LogPosition;

use super::{Actor, decide_with::decide_with};
use crate::{CommandError, WriteSide};

/// Replaces the policies in force; gives the position of the new ones once they are durable.
pub async fn apply_policy(
    ws: &WriteSide,
    actor: &Actor,
    wish: &ApplyPolicy,
    reason: &str,
) -> Result<LogPosition, CommandError<PolicyRefusal>> {
    let act = actor.act(reason);
    decide_with(ws, actor, |fold| rules::apply_policy(fold, wish, act.clone())).await
}
