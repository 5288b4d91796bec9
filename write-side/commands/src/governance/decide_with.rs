//! Deciding on the governance fold with a refusal of one's own.

use decide::governance::GovernanceFold;
use facts::{Fact, LogPosition, Routing, StreamId, fact::StreamKind};

use super::{Actor, in_force::publish, never};
use crate::{CommandError, Decision, WriteSide};

/// The governance stream, opened if it is missing.
pub(super) fn stream<R>(ws: &WriteSide) -> Result<StreamId, CommandError<R>> {
    let name = ws.identity().server_name.clone();
    ws.ensure_stream(StreamKind::Governance, name.as_str())
}

/// Decides and appends what a person decided; gives the position of the first fact, durable.
pub(super) async fn decide_with<R>(
    ws: &WriteSide,
    actor: &Actor,
    mut decide: impl FnMut(&GovernanceFold) -> Result<Vec<Fact>, R>,
) -> Result<LogPosition, CommandError<R>> {
    let person = ws.ensure_user::<R>(&actor.user)?;
    let stream = stream::<R>(ws)?;
    let routing = Routing { actor: person.into(), ..Routing::server(stream) };
    let decide = |fold: &GovernanceFold| {
        let draft =
            |fact: Fact| fact.draft(routing).expect("a fact of governance has no personal part");
        let drafts = decide(fold)?.into_iter().map(draft).collect();
        Ok(Decision { drafts, reply: () })
    };
    let done = ws.actors::<GovernanceFold>().execute(stream, decide).await?;
    publish(ws).await.map_err(never)?;
    Ok(done.headers.first().map_or(LogPosition(stream.0), |header| header.position))
}

/// Asks the fold before anything else is looked up: who may not act learns nothing.
pub(super) async fn ask<R>(
    ws: &WriteSide,
    ask: impl FnOnce(&GovernanceFold) -> Result<(), R>,
) -> Result<(), CommandError<R>> {
    let stream = stream::<R>(ws)?;
    let guard = ws.actors::<GovernanceFold>().lock::<R>(stream).await?;
    ask(guard.fold()).map_err(CommandError::Refusal)
}
