//! Lookups that projecting and querying share.
//!
//! Owns how rows are found by name and by position, and the walk that answers what the state
//! before an event was. Reads only.

use facts::{LogPosition, StreamId, fact::StreamKind};

use super::{
    rows::{BeforeRow, EventRow, MemberRow, Membership, RoomRow},
    table::Table,
};
use crate::store::{Key, Order, Rows, StoreError};

/// Steps that a walk over states before events may take.
pub(crate) const STATE_WALK_MAX: usize = 100_000;

/// The number of a stream kind in keys.
pub(crate) fn kind_number(kind: StreamKind) -> u8 {
    match kind {
        StreamKind::Room => 1,
        StreamKind::User => 2,
        StreamKind::DeviceInbox => 3,
        StreamKind::Alias => 4,
        StreamKind::Server => 5,
        StreamKind::Peer => 6,
        StreamKind::Governance => 7,
        StreamKind::Audit => 8,
    }
}

/// The stream with a name.
pub(crate) fn stream_of(
    rows: &impl Rows,
    kind: StreamKind,
    name: &str,
) -> Result<Option<StreamId>, StoreError> {
    let key = Key::new(Table::StreamByName).u8(kind_number(kind)).str(name);
    Ok(rows.get_u64(&key)?.map(StreamId))
}

/// The name of a stream.
pub(crate) fn stream_name(
    rows: &impl Rows,
    stream: StreamId,
) -> Result<Option<String>, StoreError> {
    rows.get(Key::new(Table::StreamName).u64(stream.0).as_bytes())?
        .map(|value| {
            String::from_utf8(value.get(1..).unwrap_or(&[]).to_vec())
                .map_err(|_| StoreError::Row(Table::StreamName.into()))
        })
        .transpose()
}

/// The position of an event.
pub(crate) fn event_position(
    rows: &impl Rows,
    event_id: &str,
) -> Result<Option<LogPosition>, StoreError> {
    let key = Key::new(Table::EventById).str(event_id);
    Ok(rows.get_u64(&key)?.map(LogPosition))
}

/// The row of an event.
pub(crate) fn event_row(
    rows: &impl Rows,
    position: LogPosition,
) -> Result<Option<EventRow>, StoreError> {
    rows.get(Key::new(Table::Event).u64(position.0).as_bytes())?
        .map(|value| EventRow::decode(&value).ok_or(StoreError::Row(Table::Event.into())))
        .transpose()
}

/// The row of a room.
pub(crate) fn room_row(rows: &impl Rows, room: StreamId) -> Result<Option<RoomRow>, StoreError> {
    rows.get(Key::new(Table::Room).u64(room.0).as_bytes())?
        .map(|value| RoomRow::decode(&value).ok_or(StoreError::Row(Table::Room.into())))
        .transpose()
}

/// A user's membership in a room.
pub(crate) fn member_row(
    rows: &impl Rows,
    user: StreamId,
    room: StreamId,
) -> Result<Option<MemberRow>, StoreError> {
    rows.get(Key::new(Table::Member).u64(user.0).u64(room.0).as_bytes())?
        .map(|value| MemberRow::decode(&value).ok_or(StoreError::Row(Table::Member.into())))
        .transpose()
}

/// The members of a room with one membership, in order of since when.
pub(crate) fn members(
    rows: &impl Rows,
    room: StreamId,
    membership: Membership,
) -> impl Iterator<Item = Result<(StreamId, LogPosition), StoreError>> {
    let prefix = Key::new(Table::RoomMember).u64(room.0).u8(membership as u8);
    rows.prefix(&prefix, Order::Forward).map(|row| {
        let (key, value) = row?;
        let shape = || StoreError::Row(Table::RoomMember.into());
        let user = key.last_chunk::<8>().ok_or_else(shape)?;
        let event: [u8; 8] = value.as_slice().try_into().map_err(|_| shape())?;
        Ok((StreamId(u64::from_be_bytes(*user)), LogPosition(u64::from_be_bytes(event))))
    })
}

/// The event that holds a place in the current state.
pub(crate) fn state_event(
    rows: &impl Rows,
    room: StreamId,
    event_type: &str,
    state_key: &str,
) -> Result<Option<LogPosition>, StoreError> {
    let key = Key::new(Table::State).u64(room.0).str(event_type).str(state_key);
    Ok(rows
        .get(key.as_bytes())?
        .and_then(|value| value.first_chunk::<8>().copied())
        .map(|bytes| LogPosition(u64::from_be_bytes(bytes))))
}

/// The event that held a place in the room's current state after the entry at `as_of`.
pub(crate) fn state_event_as_of(
    rows: &impl Rows,
    room: StreamId,
    event_type: &str,
    state_key: &str,
    as_of: LogPosition,
) -> Result<Option<LogPosition>, StoreError> {
    let prefix = Key::new(Table::StateHistory).u64(room.0).str(event_type).str(state_key);
    let upto = prefix.clone().u64(as_of.0).u32(u32::MAX);
    let Some((_, value)) = rows.last_at_most(&prefix, &upto)? else {
        return Ok(None);
    };
    let event: [u8; 8] =
        value.as_slice().try_into().map_err(|_| StoreError::Row(Table::StateHistory.into()))?;
    let event = u64::from_be_bytes(event);
    Ok((event != 0).then_some(LogPosition(event)))
}

/// Where a walk to the state before an event ends.
pub(crate) enum StateBase {
    /// The room's current state after an entry.
    AsOf(StreamId, LogPosition),
    /// The empty state before the create event.
    Empty,
    /// Not known: an outlier or an unplaced event.
    Unknown,
}

/// Walks from the state before `event` towards a state that is known as a whole. `visit` sees
/// each difference on the way, the nearest first, and returns true to end the walk early
/// (`Ok(None)`).
pub(crate) fn walk_before(
    rows: &impl Rows,
    event: LogPosition,
    mut visit: impl FnMut(&str, &str, Option<LogPosition>) -> bool,
) -> Result<Option<StateBase>, StoreError> {
    let mut at = event;
    for _ in 0..STATE_WALK_MAX {
        let Some(row) = event_row(rows, at)? else {
            return Ok(Some(StateBase::Unknown));
        };
        if row.in_step {
            let as_of = LogPosition(row.placed.0.saturating_sub(1));
            return Ok(Some(StateBase::AsOf(row.room, as_of)));
        }
        if row.state.as_ref().is_some_and(|(of_type, _)| of_type == "m.room.create") {
            return Ok(Some(StateBase::Empty));
        }
        let key = Key::new(Table::EventBefore).u64(at.0);
        let Some(before) = rows.get_row::<BeforeRow>(&key)? else {
            return Ok(Some(StateBase::Unknown));
        };
        for (event_type, state_key, event) in &before.delta {
            if visit(event_type, state_key, event.map(LogPosition)) {
                return Ok(None);
            }
        }
        let Some(base) = before.base else {
            return Ok(Some(StateBase::Empty));
        };
        let base = LogPosition(base);
        let Some(base_row) = event_row(rows, base)? else {
            return Ok(Some(StateBase::Unknown));
        };
        if let (true, Some((event_type, state_key))) = (base_row.accepted, &base_row.state)
            && visit(event_type, state_key, Some(base))
        {
            return Ok(None);
        }
        at = base;
    }
    Err(StoreError::Bound)
}

/// The event that held a place in the state before `event`; `Err(Bound)` only for damage.
pub(crate) fn state_event_before(
    rows: &impl Rows,
    event: LogPosition,
    event_type: &str,
    state_key: &str,
) -> Result<Option<LogPosition>, StoreError> {
    let mut found = None;
    let base = walk_before(rows, event, |of_type, of_key, holder| {
        let hit = of_type == event_type && of_key == state_key;
        if hit {
            found = holder;
        }
        hit
    })?;
    match base {
        None => Ok(found),
        Some(StateBase::AsOf(room, as_of)) => {
            state_event_as_of(rows, room, event_type, state_key, as_of)
        }
        Some(StateBase::Empty | StateBase::Unknown) => Ok(None),
    }
}
