//! Which rooms moved: an incremental sync looks at no other.

use std::collections::BTreeSet;

use facts::{LogPosition, StreamId};

use super::{Membership, RoomMembership, Snapshot};
use crate::{
    client_view::{lookup::room_row, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Movements that are read before a look at each of the user's rooms is cheaper.
const MOVES_MAX: usize = 256;

impl Snapshot {
    /// The rooms in which the user is joined and anything was new after `since`: live events,
    /// state, receipts, device lists. (What is new for one user alone:
    /// [`Self::account_data_since`] and [`Self::membership_changes`].)
    ///
    /// Costs what moved on the server since then; after much movement, the user's rooms.
    pub fn moved_rooms_of(
        &self,
        user: StreamId,
        since: LogPosition,
    ) -> Result<Vec<RoomMembership>, StoreError> {
        let mut found = Vec::new();
        if let Some(moved) = self.moves(since, MOVES_MAX)? {
            for room in moved {
                found.extend(self.membership(user, room)?.filter(is_join));
            }
            return Ok(found);
        }
        for member in self.rooms_of(user)?.into_iter().filter(is_join) {
            if room_row(&self.rows, member.room)?.is_some_and(|row| row.last_moved > since.0) {
                found.push(member);
            }
        }
        Ok(found)
    }

    /// Rooms that moved after `since`; `None` where that takes more than `limit` rows.
    fn moves(
        &self,
        since: LogPosition,
        limit: usize,
    ) -> Result<Option<BTreeSet<StreamId>>, StoreError> {
        if let Some(moved) = self.recent.moved(since, self.position()) {
            return Ok(Some(moved.into_iter().collect()));
        }
        let prefix = Key::new(Table::Moved);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        let mut moved = BTreeSet::new();
        let rows = self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward);
        for (count, row) in rows.enumerate() {
            if count == limit {
                return Ok(None);
            }
            let (key, _) = row?;
            let mut reader = KeyReader::after(&key, &prefix);
            reader.u64()?;
            moved.insert(StreamId(reader.u64()?));
        }
        Ok(Some(moved))
    }
}

fn is_join(member: &RoomMembership) -> bool {
    member.membership == Membership::Join
}
