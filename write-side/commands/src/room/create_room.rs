//! Creating a room: all its first events, and its alias, as one batch.
//!
//! A crash before the batch is durable leaves no trace of the room; streams of persons and of the
//! alias that were opened for it are harmless.

use decide::{
    alias::{self as alias_rules, AliasFold},
    room::{CREATE_EVENTS_MAX, CreateRoom, RoomCreated, decide_create_room},
};
use facts::{
    Batch, Draft, EntryHeader, ExpectedRevision, Routing, StreamId, StreamRef, fact::StreamKind,
};
use ruma::{OwnedRoomId, RoomAliasId, RoomId};

use super::{RoomCommandRefusal, act::RoomError, drafts::room_drafts, invite_block::check_invite};
use crate::{
    AppendError, CommandError, DECIDE_TRIES_MAX, Fault, ViewWait, Wish, WriteSide, names::opening,
};

/// Creates a room; gives its id. `alias_reserved`: another application service reserves the
/// wished alias.
pub async fn create_room(
    write_side: &WriteSide,
    wish: &CreateRoom,
    alias_reserved: bool,
) -> Result<OwnedRoomId, RoomError> {
    write_side
        .ask_gate(Wish::CreateRoom { creator: &wish.creator, invitees: &wish.invite })
        .await?;
    for invited in wish.invite.iter().take(CREATE_EVENTS_MAX) {
        check_invite(write_side, invited).await?;
    }
    let creator = write_side.ensure_user(&wish.creator)?;
    let decided = decide_create_room(wish, &write_side.local_context(1))
        .map_err(|refusal| CommandError::Refusal(refusal.into()))?;
    for _ in 0..DECIDE_TRIES_MAX {
        let mut batch = room_batch(write_side, creator, &decided)?;
        if let Some(alias) = &wish.alias {
            let (draft, expects) =
                set_alias(write_side, wish, alias, &decided.room_id, alias_reserved).await?;
            batch.drafts.push(draft);
            batch.expects.push(expects);
        }
        match append(write_side, &decided.room_id, batch) {
            // Only the alias's stream has expectations.
            Err(Appending::Refused(AppendError::Moved)) => {}
            Err(Appending::Refused(error)) => return Err(error.into()),
            Err(Appending::Exists) => {
                let exists = RoomCommandRefusal::RoomExists(decided.room_id);
                return Err(CommandError::Refusal(exists));
            }
            Err(Appending::Fault(fault)) => return Err(fault.into()),
            Ok(headers) => {
                let last = headers.last().expect("a new room has entries").position;
                write_side.core().settle(last, ViewWait::Bounded).await?;
                return Ok(decided.room_id);
            }
        }
    }
    Err(CommandError::busy())
}

fn room_batch(
    write_side: &WriteSide,
    creator: StreamId,
    decided: &RoomCreated,
) -> Result<Batch, RoomError> {
    let stream = StreamRef::OpenedBy(0);
    let routing = Routing { actor: creator.into(), ..Routing::server(stream) };
    let mut drafts = vec![opening(StreamKind::Room, decided.room_id.as_str(), routing)];
    drafts.extend(room_drafts(write_side, stream, &decided.facts)?);
    Ok(Batch { drafts, expects: Vec::new() })
}

/// The alias's own fact, and what it rests on.
async fn set_alias(
    write_side: &WriteSide,
    wish: &CreateRoom,
    alias: &RoomAliasId,
    room: &RoomId,
    reserved: bool,
) -> Result<(Draft, (StreamId, ExpectedRevision)), RoomError> {
    let ours = &write_side.identity().server_name;
    let decide = |fold: &AliasFold| {
        alias_rules::set_alias(fold, ours, alias, room, &wish.creator, reserved)
            .map_err(|refusal| CommandError::Refusal(RoomCommandRefusal::Alias(refusal)))
    };
    // Decided once without a stream, so that a refused name opens none.
    decide(&AliasFold::default())?;
    let stream = write_side.ensure_stream(StreamKind::Alias, alias.as_str())?;
    let guard = write_side.actors::<AliasFold>().lock(stream).await?;
    let fact = decide(guard.fold())?;
    let routing =
        Routing { actor: write_side.ensure_user(&wish.creator)?.into(), ..Routing::server(stream) };
    let draft = fact.draft(routing).map_err(|error| Fault::Unfit(error.to_string()))?;
    Ok((draft, (stream, ExpectedRevision::Exactly(guard.revision()))))
}

enum Appending {
    Refused(AppendError),
    Exists,
    Fault(Fault),
}

impl From<AppendError> for Appending {
    fn from(error: AppendError) -> Self {
        Self::Refused(error)
    }
}

/// Appends unless a room of that name exists.
fn append(
    write_side: &WriteSide,
    room: &RoomId,
    batch: Batch,
) -> Result<Vec<EntryHeader>, Appending> {
    let core = write_side.core();
    core.append_under_lock(|recent| {
        let stored = core.store.stream_named(StreamKind::Room, room.as_str());
        let stored = stored.map_err(|fault| Appending::Fault(fault.into()))?;
        let recent = recent.stream_named(StreamKind::Room, room.as_str());
        if stored.or(recent).is_some() {
            return Err(Appending::Exists);
        }
        Ok(batch)
    })
}
