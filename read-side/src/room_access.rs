//! Which view of a room a caller has.
//!
//! Owns the rule that the room endpoints share: joined members see the room as it is, those who
//! left see it as it was then, everybody sees a world-readable room, and to all others the room
//! answers as if it did not exist. Single events are judged by `visibility.rs`.

use facts::{LogPosition, StreamId};
use http_edge::MatrixError;
use projections::{
    Snapshot,
    query::{EventInfo, Membership, StateEntry, StoreError},
};

use crate::{
    caller::Caller,
    fault::ReadFault,
    visibility::{Viewer, may_read},
};

/// The state of a room that a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomView {
    /// As it is.
    Current,
    /// As it was after the entry at this position.
    AsOf(LogPosition),
}

/// A room that the caller may look into.
#[derive(Clone, Copy)]
pub(crate) struct OpenRoom {
    pub(crate) room: StreamId,
    pub(crate) view: RoomView,
}

/// The answer for rooms that one is not in and those that do not exist, which look the same.
pub(crate) fn not_in_room() -> MatrixError {
    MatrixError::forbidden("You are not in this room")
}

/// Opens a room for reading.
pub(crate) fn open_room(
    snapshot: &Snapshot,
    room_id: &str,
    caller: &Caller,
) -> Result<OpenRoom, ReadFault> {
    let room = snapshot.room(room_id)?.ok_or_else(not_in_room)?;
    let member = match snapshot.forgotten(caller.user, room)? {
        Some(_) => None,
        None => snapshot.membership(caller.user, room)?,
    };
    let view = match member {
        Some(member) if member.membership == Membership::Join => RoomView::Current,
        Some(member)
            if member.was_joined
                && matches!(member.membership, Membership::Leave | Membership::Ban) =>
        {
            RoomView::AsOf(member.since)
        }
        _ if is_world_readable(snapshot, room)? => RoomView::Current,
        _ => return Err(not_in_room().into()),
    };
    Ok(OpenRoom { room, view })
}

/// The room's stream, for members that are joined now.
pub(crate) fn joined_room(
    snapshot: &Snapshot,
    room_id: &str,
    caller: &Caller,
) -> Result<StreamId, ReadFault> {
    let room = snapshot.room(room_id)?.ok_or_else(not_in_room)?;
    if snapshot.is_joined(caller.user, room)? { Ok(room) } else { Err(not_in_room().into()) }
}

/// An event of the room that the caller may read; everything else is not found.
pub(crate) fn readable_event(
    snapshot: &Snapshot,
    room_id: &str,
    event_id: &str,
    viewer: &Viewer<'_>,
) -> Result<EventInfo, ReadFault> {
    let absent = || MatrixError::not_found("There is no such event, or you may not see it");
    let room = snapshot.room(room_id)?.ok_or_else(absent)?;
    let event = snapshot.event(event_id)?.ok_or_else(absent)?;
    let forgot = snapshot.forgotten(viewer.user, room)?.is_some();
    if event.room() == room && !forgot && may_read(snapshot, &event, viewer)? {
        Ok(event)
    } else {
        Err(absent().into())
    }
}

/// True where anybody may read along.
pub(crate) fn is_world_readable(snapshot: &Snapshot, room: StreamId) -> Result<bool, StoreError> {
    let content = state_str(snapshot, room, "m.room.history_visibility", "history_visibility")?;
    Ok(content.as_deref() == Some("world_readable"))
}

/// A string in the content of a state event with an empty key.
pub(crate) fn state_str(
    snapshot: &Snapshot,
    room: StreamId,
    event_type: &str,
    field: &str,
) -> Result<Option<String>, StoreError> {
    let Some(position) = snapshot.state_event(room, event_type, "")? else { return Ok(None) };
    let event = snapshot.event_at(position)?;
    Ok(event.and_then(|event| Some(event.content()?.get(field)?.as_str()?.to_owned())))
}

impl OpenRoom {
    /// The whole state that the caller may see.
    pub(crate) fn state(&self, snapshot: &Snapshot) -> Result<Vec<StateEntry>, StoreError> {
        match self.view {
            RoomView::Current => snapshot.current_state(self.room),
            RoomView::AsOf(position) => snapshot.state_as_of(self.room, position),
        }
    }

    /// One place of it.
    pub(crate) fn state_event(
        &self,
        snapshot: &Snapshot,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<LogPosition>, StoreError> {
        match self.view {
            RoomView::Current => snapshot.state_event(self.room, event_type, state_key),
            RoomView::AsOf(at) => snapshot.state_event_as_of(self.room, event_type, state_key, at),
        }
    }

    /// Member events of it.
    pub(crate) fn members(&self, snapshot: &Snapshot) -> Result<Vec<StateEntry>, StoreError> {
        match self.view {
            RoomView::Current => snapshot.current_state_of_type(self.room, "m.room.member"),
            RoomView::AsOf(position) => snapshot.members_as_of(self.room, position),
        }
    }
}
