//! Decided facts of a room as drafts.
//!
//! Owns the routing: who acts and whose tree seals the content. Opens the streams of persons that
//! are met for the first time.

use std::collections::{HashMap, HashSet};

use decide::room::RoomFact;
use facts::{Draft, Routing, StreamId, StreamRef};
use ruma::{OwnedUserId, UserId};

use crate::{CommandError, Fault, WriteSide};

/// The facts as drafts for the room's stream, in order.
pub(crate) fn room_drafts<R>(
    write_side: &WriteSide,
    stream: StreamRef,
    facts: &[RoomFact],
) -> Result<Vec<Draft>, CommandError<R>> {
    let persons: HashSet<&OwnedUserId> =
        facts.iter().flat_map(|fact| fact.actor.iter().chain(&fact.person)).collect();
    let persons: Vec<OwnedUserId> = persons.into_iter().cloned().collect();
    let streams: HashMap<OwnedUserId, StreamId> =
        persons.iter().cloned().zip(write_side.ensure_users(&persons)?).collect();
    let stream_of = |user: &UserId| streams.get(user).copied().map(StreamRef::from);
    facts
        .iter()
        .map(|fact| {
            let routing = Routing {
                stream,
                actor: fact.actor.as_deref().and_then(stream_of).unwrap_or(StreamRef::LOG),
                person: fact.person.as_deref().and_then(stream_of),
                cause: None,
            };
            let draft = fact.fact.draft(routing);
            draft.map_err(|error| Fault::Unfit(error.to_string()).into())
        })
        .collect()
}
