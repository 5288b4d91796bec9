//! The receipt of a run, and the ends of erasures of which nothing is left.
//!
//! Owns their standing in one batch: a receipt that says so, and the end that rests on it.

use std::convert::Infallible;

use decide::governance::{GovernanceFold, executed};
use facts::{Fact, LogPosition, Routing, fact::DestructionRunEnded};

use super::{decide_with::stream, in_force::publish};
use crate::{CommandError, Decision, WriteSide};

/// An erasure that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedErasure {
    /// The request.
    pub request: LogPosition,
    /// The last order of the run that found nothing left.
    pub last_order: Option<LogPosition>,
}

/// Appends a receipt; gives its position, durable. An erasure that was withdrawn meanwhile is not
/// ended again.
pub async fn end_destruction_run(
    ws: &WriteSide,
    receipt: DestructionRunEnded,
    erasures: &[EndedErasure],
) -> Result<LogPosition, CommandError<Infallible>> {
    let stream = stream::<Infallible>(ws)?;
    let routing = Routing::server(stream);
    let decide = |fold: &GovernanceFold| {
        let ended = erasures.iter().filter_map(|ended| {
            executed(fold, ended.request, ended.last_order, receipt.backups_gone_at)
        });
        let facts = std::iter::once(Fact::from(receipt.clone())).chain(ended);
        let draft =
            |fact: Fact| fact.draft(routing).expect("a fact of governance has no personal part");
        Ok(Decision { drafts: facts.map(draft).collect(), reply: () })
    };
    let done = ws.actors::<GovernanceFold>().execute(stream, decide).await?;
    publish(ws).await?;
    Ok(done.headers.first().map_or(LogPosition(stream.0), |header| header.position))
}
