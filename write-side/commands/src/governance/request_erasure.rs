//! Asking for the erasure of a person, and taking it back.

use decide::governance::{self as rules, ErasureRefusal, GovernanceRefusal};
use facts::LogPosition;
use ruma::UserId;

use super::{
    Actor,
    decide_with::{ask, decide_with},
};
use crate::{CommandError, WriteSide};

/// Asks for an erasure; gives its name. From then on the person's records are restricted, and
/// destroyed when no hold and no floor keeps them.
pub async fn request_erasure(
    ws: &WriteSide,
    actor: &Actor,
    user: &UserId,
    reason: &str,
) -> Result<LogPosition, CommandError<ErasureRefusal>> {
    ask(ws, |fold| rules::require_data_protection(fold, actor.user.as_str())).await?;
    if ws.user_stream(user)?.is_none() {
        let unknown = GovernanceRefusal::UnknownScopeUser(user.to_string());
        return Err(CommandError::Refusal(unknown.into()));
    }
    let act = actor.act(reason);
    decide_with(ws, actor, |fold| rules::request_erasure(fold, user.as_str(), act.clone())).await
}

/// Takes an erasure back.
pub async fn withdraw_erasure(
    ws: &WriteSide,
    actor: &Actor,
    request: LogPosition,
    reason: &str,
) -> Result<(), CommandError<ErasureRefusal>> {
    let act = actor.act(reason);
    decide_with(ws, actor, |fold| rules::withdraw_erasure(fold, request, act.clone())).await?;
    Ok(())
}
