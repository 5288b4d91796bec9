//! Creating a room: all its first events as one batch.
//!
//! A crash before the batch is durable leaves no trace of the room; persons' streams that were
//! opened for it are harmless.

use decide::room::{CreateRoom, decide_create_room};
use facts::{Batch, Draft, ExpectedRevision, Routing, StreamId, StreamRef, fact::StreamKind};
use ruma::{OwnedRoomId, RoomId};

use super::{RoomCommandRefusal, act::RoomError, drafts::room_drafts};
use crate::{AppendError, CommandError, ViewWait, Wish, WriteSide, names::opening};

/// What stands in the same batch as the room: the alias's own facts.
#[derive(Debug, Default)]
pub struct BesideRoom {
    /// Drafts for other streams; they refer to nothing of the batch.
    pub drafts: Vec<Draft>,
    /// What they expect. A stream that moved is refused with
    /// [`RoomCommandRefusal::AliasTaken`].
    pub expects: Vec<(StreamId, ExpectedRevision)>,
}

/// Creates a room; gives its id.
pub async fn create_room(write_side: &WriteSide, wish: &CreateRoom) -> Result<OwnedRoomId, RoomError> {
    create_room_with(write_side, wish, |_| BesideRoom::default()).await
}

/// Creates a room, and in the same batch what `beside` gives for its id.
pub async fn create_room_with(
    write_side: &WriteSide,
    wish: &CreateRoom,
    beside: impl FnOnce(&RoomId) -> BesideRoom,
) -> Result<OwnedRoomId, RoomError> {
    write_side
        .ask_gate(Wish::CreateRoom {
            creator: &wish.creator,
            invitees: &wish.invite,
        })
        .await?;
    let decided = decide_create_room(wish, &write_side.local_context(1))
        .map_err(|refusal| CommandError::Refusal(refusal.into()))?;
    let room_id = decided.room_id;
    let creator = write_side.ensure_user(&wish.creator)?;
    let stream = StreamRef::OpenedBy(0);
    let routing = Routing {
        actor: creator.into(),
        ..Routing::server(stream)
    };
    let beside = beside(&room_id);
    let mut batch = Batch {
        drafts: vec![opening(StreamKind::Room, room_id.as_str(), routing)],
        expects: beside.expects,
    };
    batch
        .drafts
        .extend(room_drafts(write_side, stream, &decided.facts)?);
    batch.drafts.extend(beside.drafts);
    let headers = write_side.core().append_under_lock(|recent| {
        let name = room_id.as_str();
        let exists = recent.stream_named(StreamKind::Room, name).is_some()
            || write_side
                .core()
                .store
                .stream_named(StreamKind::Room, name)?
                .is_some();
        if exists {
            let exists = RoomCommandRefusal::RoomExists(room_id.clone());
            return Err(Attempted(CommandError::Refusal(exists)));
        }
        Ok(batch)
    });
    let headers = headers.map_err(|Attempted(error)| error)?;
    let last = headers.last().expect("a new room has entries").position;
    write_side.core().settle(last, ViewWait::Bounded).await?;
    Ok(room_id)
}

/// An append error of this command: only the streams beside the room have expectations.
struct Attempted(RoomError);

impl From<AppendError> for Attempted {
    fn from(error: AppendError) -> Self {
        Self(match error {
            AppendError::Moved => CommandError::Refusal(RoomCommandRefusal::AliasTaken),
            other => other.into(),
        })
    }
}

impl From<crate::FoldStoreFault> for Attempted {
    fn from(fault: crate::FoldStoreFault) -> Self {
        Self(fault.into())
    }
}
