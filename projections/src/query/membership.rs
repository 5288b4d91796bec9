//! Who is in which room, now and at earlier positions.

use std::collections::HashSet;

use facts::{LogPosition, StreamId};

use super::{Membership, Snapshot, StateEntry};
use crate::{
    client_view::{
        lookup::{member_row, members},
        recent::Change,
        rows::MemberRow,
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// A room with a user's membership in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomMembership {
    /// Room.
    pub room: StreamId,
    /// Membership now.
    pub membership: Membership,
    /// Position of the member event.
    pub event: LogPosition,
    /// Position at which the membership began.
    pub since: LogPosition,
    /// Position of the last change, profile changes included.
    pub changed: LogPosition,
    /// True if the user was joined at some time.
    pub was_joined: bool,
}

/// A member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    /// User.
    pub user: StreamId,
    /// Position of the member event.
    pub event: LogPosition,
}

impl RoomMembership {
    fn of(room: StreamId, row: MemberRow) -> Self {
        Self {
            room,
            membership: row.membership,
            event: row.event,
            since: row.since,
            changed: row.changed,
            was_joined: row.was_joined,
        }
    }
}

impl Snapshot {
    /// A user's membership in a room; `None` where there never was any.
    pub fn membership(
        &self,
        user: StreamId,
        room: StreamId,
    ) -> Result<Option<RoomMembership>, StoreError> {
        Ok(member_row(&self.rows, user, room)?.map(|row| RoomMembership::of(room, row)))
    }

    /// True for a joined member.
    pub fn is_joined(&self, user: StreamId, room: StreamId) -> Result<bool, StoreError> {
        Ok(self.membership(user, room)?.is_some_and(|member| member.membership == Membership::Join))
    }

    /// All rooms that a user has a membership in, left and forgotten ones too.
    pub fn rooms_of(&self, user: StreamId) -> Result<Vec<RoomMembership>, StoreError> {
        let prefix = Key::new(Table::Member).u64(user.0);
        self.rows
            .prefix(&prefix, Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let room = StreamId(KeyReader::after(&key, &prefix).u64()?);
                let row = MemberRow::decode(&value).ok_or(StoreError::Row(Table::Member.into()))?;
                Ok(RoomMembership::of(room, row))
            })
            .collect()
    }

    /// The rooms in which a user is joined.
    pub fn joined_rooms(&self, user: StreamId) -> Result<Vec<StreamId>, StoreError> {
        Ok(self
            .rooms_of(user)?
            .into_iter()
            .filter(|member| member.membership == Membership::Join)
            .map(|member| member.room)
            .collect())
    }

    /// Members with one membership, in order of since when, at most `max`.
    pub fn members(
        &self,
        room: StreamId,
        membership: Membership,
        max: usize,
    ) -> Result<Vec<MemberEntry>, StoreError> {
        members(&self.rows, room, membership)
            .take(max)
            .map(|row| row.map(|(user, event)| MemberEntry { user, event }))
            .collect()
    }

    /// The member events of the room's state after the entry at `as_of` (`/members?at=`).
    pub fn members_as_of(
        &self,
        room: StreamId,
        as_of: LogPosition,
    ) -> Result<Vec<StateEntry>, StoreError> {
        if as_of >= self.position() {
            return self.current_state_of_type(room, "m.room.member");
        }
        Ok(self
            .state_as_of(room, as_of)?
            .into_iter()
            .filter(|entry| entry.event_type == "m.room.member")
            .collect())
    }

    /// Memberships of a user that changed in (since, upto]: room, old, new, oldest first. Other
    /// memberships than `join` are told also where a new event only repeats them.
    pub fn membership_changes(
        &self,
        user: StreamId,
        since: LogPosition,
    ) -> Result<Vec<(StreamId, Option<Membership>, Membership)>, StoreError> {
        if !self.may_have(Change::Membership(user), since) {
            return Ok(Vec::new());
        }
        let prefix = Key::new(Table::MemberLog).u64(user.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        self.rows
            .iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let mut reader = KeyReader::after(&key, &prefix);
                reader.u64()?;
                let room = StreamId(reader.u64()?);
                let [old, new] = value.as_slice() else {
                    return Err(StoreError::Row(Table::MemberLog.into()));
                };
                let new = Membership::from_number(*new)
                    .ok_or(StoreError::Row(Table::MemberLog.into()))?;
                Ok((room, Membership::from_number(*old), new))
            })
            .collect()
    }

    /// A user's membership in a room after the entry at `as_of`.
    pub fn membership_as_of(
        &self,
        user: StreamId,
        room: StreamId,
        as_of: LogPosition,
    ) -> Result<Option<Membership>, StoreError> {
        if !self.may_have(Change::Membership(user), as_of) {
            return Ok(self.membership(user, room)?.map(|member| member.membership));
        }
        let prefix = Key::new(Table::MemberLog).u64(user.0);
        let upto = prefix.clone().u64(as_of.0.saturating_add(1));
        let rows = self.rows.iterate(upto.as_bytes(), &prefix.after_prefix(), Order::Forward);
        for row in rows {
            let (key, value) = row?;
            let mut reader = KeyReader::after(&key, &prefix);
            reader.u64()?;
            if reader.u64()? == room.0 {
                return Ok(value.first().copied().and_then(Membership::from_number));
            }
        }
        Ok(self.membership(user, room)?.map(|member| member.membership))
    }

    /// The rooms in which both are joined (`/mutual_rooms`).
    pub fn mutual_rooms(&self, a: StreamId, b: StreamId) -> Result<Vec<StreamId>, StoreError> {
        let of_a: HashSet<_> = self.joined_rooms(a)?.into_iter().collect();
        Ok(self.joined_rooms(b)?.into_iter().filter(|room| of_a.contains(room)).collect())
    }

    /// True if the two share a joined room.
    pub fn share_a_room(&self, a: StreamId, b: StreamId) -> Result<bool, StoreError> {
        for room in self.joined_rooms(b)? {
            if self.is_joined(a, room)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Position at which the user forgot a room that they did not join again since.
    pub fn forgotten(
        &self,
        user: StreamId,
        room: StreamId,
    ) -> Result<Option<LogPosition>, StoreError> {
        let key = Key::new(Table::Forgotten).u64(user.0).u64(room.0);
        Ok(self.rows.get_u64(&key)?.map(LogPosition))
    }

    /// JSON of the stripped events that came with an invite to, or a knock on, a room.
    pub fn invite_state(
        &self,
        user: StreamId,
        room: StreamId,
    ) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let key = Key::new(Table::InviteState).u64(user.0).u64(room.0);
        let Some(position) = self.rows.get_u64(&key)? else {
            return Ok(None);
        };
        let body = self.body(LogPosition(position))?;
        Ok(body.and_then(|body| match &body.fact {
            facts::Fact::InviteStateStored(state) => {
                Some(state.events.iter().map(|event| event.as_ref().to_vec()).collect())
            }
            _ => None,
        }))
    }
}
