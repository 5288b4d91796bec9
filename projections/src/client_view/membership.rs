//! Memberships as the current state of rooms has them; invites and knocks of rooms that this
//! server is not in; forgotten rooms.

use facts::{
    LogPosition, StreamId,
    fact::{InviteStateStored, RoomForgotten},
};

use super::{
    applying::Applying,
    events::Placing,
    lookup::member_row,
    recent::Change,
    rows::{MemberRow, Membership},
    table::Table,
};
use crate::store::{Key, StoreError};

/// The member event of a user changed.
pub(super) fn changed(
    a: &mut Applying<'_>,
    room: StreamId,
    user_id: &str,
    event: Option<LogPosition>,
) -> Result<(), StoreError> {
    let body = event.map(|event| a.event_body(event)).transpose()?.flatten();
    let membership = body
        .as_ref()
        .and_then(|body| body.content_str("membership"))
        .map_or(Membership::Leave, Membership::from_name);
    set(a, room, user_id, event, membership)
}

/// An accepted member event of a room in which this server has nobody: an invite that came by
/// federation, or its end.
pub(super) fn outside(a: &mut Applying<'_>, placing: &Placing<'_>) -> Result<(), StoreError> {
    let Some((event_type, user_id)) = &placing.row.state else {
        return Ok(());
    };
    if event_type != "m.room.member"
        || !a.memory.is_local(user_id)
        || a.room_row(placing.room)?.local_joined > 0
    {
        return Ok(());
    }
    match placing.body.content_str("membership").map(Membership::from_name) {
        // A join is told by the state of the room that it brings.
        Some(Membership::Join) | None => Ok(()),
        Some(membership) => set(a, placing.room, user_id, Some(placing.event), membership),
    }
}

fn set(
    a: &mut Applying<'_>,
    room: StreamId,
    user_id: &str,
    event: Option<LogPosition>,
    membership: Membership,
) -> Result<(), StoreError> {
    let Some(user) = a.user(user_id)? else {
        tracing::warn!(room = room.0, "a member without a stream is not shown");
        return Ok(());
    };
    let position = a.position();
    let old = member_row(a.batch, user, room)?;
    let before = old.map(|old| old.membership);
    let since = match old {
        Some(old) if old.membership == membership => old.since,
        _ => position,
    };
    let row = MemberRow {
        membership,
        event: event.unwrap_or(LogPosition(0)),
        since,
        changed: position,
        was_joined: old.is_some_and(|old| old.was_joined) || membership == Membership::Join,
    };
    if let Some(old) = old {
        a.batch.remove(room_member_key(room, old.membership, old.since, user));
    }
    a.batch.put_u64(room_member_key(room, membership, since, user), row.event.0);
    let key = Key::new(Table::Member).u64(user.0).u64(room.0);
    a.batch.put(key, row.encode());
    a.memory.local_members.remove(&room);
    // A new invite after an invite is news for the user; a new profile of a member is told by the
    // room's own movement.
    if before != Some(membership) || membership != Membership::Join {
        let key = Key::new(Table::MemberLog).u64(user.0).u64(position.0).u64(room.0);
        a.batch.put(key, [before.map_or(0, |old| old as u8), membership as u8]);
        a.changed(Change::Membership(user));
    }
    if before != Some(membership) {
        count(a, room, user_id, before, membership)?;
        clear(a, user, room, membership);
    }
    a.touch(user);
    Ok(())
}

fn room_member_key(
    room: StreamId,
    membership: Membership,
    since: LogPosition,
    user: StreamId,
) -> Key {
    Key::new(Table::RoomMember).u64(room.0).u8(membership as u8).u64(since.0).u64(user.0)
}

/// What a membership ends: stripped state, having forgotten the room.
fn clear(a: &mut Applying<'_>, user: StreamId, room: StreamId, membership: Membership) {
    if !matches!(membership, Membership::Invite | Membership::Knock) {
        a.batch.remove(Key::new(Table::InviteState).u64(user.0).u64(room.0));
    }
    if matches!(membership, Membership::Join | Membership::Invite) {
        a.batch.remove(Key::new(Table::Forgotten).u64(user.0).u64(room.0));
    }
}

fn count(
    a: &mut Applying<'_>,
    room: StreamId,
    user_id: &str,
    before: Option<Membership>,
    after: Membership,
) -> Result<(), StoreError> {
    let local = a.memory.is_local(user_id);
    let mut row = a.room_row(room)?;
    let changed = |count: u32, of: Membership| {
        let less = u32::from(before == Some(of));
        let more = u32::from(after == of);
        (count + more).saturating_sub(less)
    };
    row.joined = changed(row.joined, Membership::Join);
    row.invited = changed(row.invited, Membership::Invite);
    if local {
        row.local_joined = changed(row.local_joined, Membership::Join);
    }
    a.put_room(room, &row);
    Ok(())
}

pub(super) fn invite_state(
    a: &mut Applying<'_>,
    state: &InviteStateStored,
) -> Result<(), StoreError> {
    let user = a.stream();
    if let Some(room) = a.room(&state.room)? {
        let position = a.position().0;
        let key = Key::new(Table::InviteState).u64(user.0).u64(room.0);
        a.batch.put_u64(key, position);
        a.touch(user);
    }
    Ok(())
}

pub(super) fn forgotten(a: &mut Applying<'_>, forgotten: &RoomForgotten) -> Result<(), StoreError> {
    let user = a.stream();
    if let Some(room) = a.room(&forgotten.room)? {
        let position = a.position().0;
        let key = Key::new(Table::Forgotten).u64(user.0).u64(room.0);
        a.batch.put_u64(key, position);
        a.touch(user);
    }
    Ok(())
}
