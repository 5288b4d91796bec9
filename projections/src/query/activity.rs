//! Which rooms moved: an incremental sync looks at no other.

use std::collections::BTreeSet;

use facts::{LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::{lookup::room_row, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Movements that cost as much to read as asking one room for its last one.
const MOVES_PER_ROOM: usize = 4;

impl Snapshot {
    /// Those of `rooms` in which anything was new after `since`: live events, state, receipts,
    /// device lists. (What is new for one user alone: [`Self::account_data_since`] and
    /// [`Self::membership_changes`].)
    ///
    /// Costs the lesser of what moved on the server since then and the number of rooms.
    pub fn moved_rooms(
        &self,
        rooms: &[StreamId],
        since: LogPosition,
    ) -> Result<Vec<StreamId>, StoreError> {
        let limit = rooms.len().saturating_mul(MOVES_PER_ROOM);
        if let Some(moved) = self.moves(since, limit)? {
            return Ok(rooms.iter().copied().filter(|room| moved.contains(room)).collect());
        }
        let mut moved = Vec::new();
        for room in rooms {
            if room_row(&self.rows, *room)?.is_some_and(|row| row.last_moved > since.0) {
                moved.push(*room);
            }
        }
        Ok(moved)
    }

    /// Rooms that moved after `since`; `None` where that takes more than `limit` rows.
    fn moves(
        &self,
        since: LogPosition,
        limit: usize,
    ) -> Result<Option<BTreeSet<StreamId>>, StoreError> {
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
