//! Threads of a room.

use facts::{LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

impl Snapshot {
    /// At most `max` threads of a room by last activity, the newest first, before `before`:
    /// placement position of the last event and root event id. A page token is the position of
    /// the last one seen.
    pub fn threads(
        &self,
        room: StreamId,
        before: Option<LogPosition>,
        max: usize,
    ) -> Result<Vec<(LogPosition, String)>, StoreError> {
        let prefix = Key::new(Table::ThreadOrder).u64(room.0);
        let end = match before {
            Some(position) => prefix.clone().u64(position.0).into_bytes(),
            None => prefix.after_prefix(),
        };
        self.rows
            .iterate(prefix.as_bytes(), &end, Order::Backward)
            .take(max)
            .map(|row| {
                let (key, value) = row?;
                let last = LogPosition(KeyReader::after(&key, &prefix).u64()?);
                let thread_root = String::from_utf8(value)
                    .map_err(|_| StoreError::Row(Table::ThreadOrder.into()))?;
                Ok((last, thread_root))
            })
            .collect()
    }

    /// True if the user wrote in the thread or wrote its root.
    pub fn participated(
        &self,
        user: StreamId,
        room: StreamId,
        thread_root: &str,
    ) -> Result<bool, StoreError> {
        let key = Key::new(Table::ThreadParticipant).u64(room.0).str(thread_root).u64(user.0);
        if self.rows.get(key.as_bytes())?.is_some() {
            return Ok(true);
        }
        let Some(event) = self.event(thread_root)? else {
            return Ok(false);
        };
        let sender = event.str("sender").map(|sender| self.user(sender));
        Ok(sender.transpose()?.flatten() == Some(user))
    }
}
