//! Rooms as a whole: counts, heroes, the public directory.

use facts::{LogPosition, StreamId};

use super::{Membership, Snapshot};
use crate::{
    client_view::{
        lookup::{member_row, members, room_row},
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Heroes of a room are at most this many (client-server API, `m.heroes`).
const HEROES_MAX: usize = 5;

/// Counters of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomCounts {
    /// Joined members.
    pub joined: u32,
    /// Invited members.
    pub invited: u32,
    /// Joined members of this server.
    pub local_joined: u32,
    /// Position of the create event.
    pub create: Option<LogPosition>,
    /// Placement position of the last live event.
    pub last_live: LogPosition,
    /// Last position at which anything in the room was new.
    pub last_moved: LogPosition,
}

/// Summary of a room for one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomSummary {
    /// The first joined and invited members other than the user; where there are none, the first
    /// who left or were banned.
    pub heroes: Vec<StreamId>,
    /// Joined members.
    pub joined: u32,
    /// Invited members.
    pub invited: u32,
}

impl Snapshot {
    /// Counters of a room; `None` for one of which no event was placed.
    pub fn room_counts(&self, room: StreamId) -> Result<Option<RoomCounts>, StoreError> {
        Ok(room_row(&self.rows, room)?.map(|row| RoomCounts {
            joined: row.joined,
            invited: row.invited,
            local_joined: row.local_joined,
            create: (row.create != 0).then_some(LogPosition(row.create)),
            last_live: LogPosition(row.last_live),
            last_moved: LogPosition(row.last_moved),
        }))
    }

    /// The summary of a room for `user`.
    pub fn room_summary(&self, room: StreamId, user: StreamId) -> Result<RoomSummary, StoreError> {
        let counts = self.room_counts(room)?.unwrap_or_default();
        let mut heroes = self.heroes(room, user, &[Membership::Join, Membership::Invite])?;
        if heroes.is_empty() {
            heroes = self.heroes(room, user, &[Membership::Leave, Membership::Ban])?;
        }
        Ok(RoomSummary { heroes, joined: counts.joined, invited: counts.invited })
    }

    fn heroes(
        &self,
        room: StreamId,
        user: StreamId,
        of: &[Membership],
    ) -> Result<Vec<StreamId>, StoreError> {
        let mut found = Vec::new();
        for membership in of {
            for member in members(&self.rows, room, *membership).take(HEROES_MAX + 1) {
                let (member, _) = member?;
                if member != user
                    && let Some(row) = member_row(&self.rows, member, room)?
                {
                    found.push((row.since, member));
                }
            }
        }
        found.sort_unstable();
        found.truncate(HEROES_MAX);
        Ok(found.into_iter().map(|(_, member)| member).collect())
    }

    /// True while the room is listed in the public directory.
    pub fn is_published(&self, room: StreamId) -> Result<bool, StoreError> {
        let key = Key::new(Table::Published).u64(room.0);
        Ok(self.rows.get(key.as_bytes())?.is_some())
    }

    /// All rooms of the public directory with their joined members, the fullest first.
    pub fn published_rooms(&self) -> Result<Vec<(StreamId, u32)>, StoreError> {
        let prefix = Key::new(Table::Published);
        let mut rooms = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let room = StreamId(KeyReader::after(&row?.0, &prefix).u64()?);
            let joined = self.room_counts(room)?.map_or(0, |counts| counts.joined);
            rooms.push((room, joined));
        }
        rooms.sort_by_key(|(room, joined)| (std::cmp::Reverse(*joined), *room));
        Ok(rooms)
    }
}
