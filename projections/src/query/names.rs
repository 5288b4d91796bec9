//! Streams by name and names by stream.

use facts::{StreamId, fact::StreamKind};

use super::Snapshot;
use crate::{
    client_view::{
        lookup::{kind_number, stream_name, stream_of},
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError},
};

impl Snapshot {
    /// The stream of a room id.
    pub fn room(&self, room_id: &str) -> Result<Option<StreamId>, StoreError> {
        stream_of(&self.rows, StreamKind::Room, room_id)
    }

    /// The stream of a user id, local or remote.
    pub fn user(&self, user_id: &str) -> Result<Option<StreamId>, StoreError> {
        stream_of(&self.rows, StreamKind::User, user_id)
    }

    /// The inbox of a device.
    pub fn inbox(&self, user_id: &str, device_id: &str) -> Result<Option<StreamId>, StoreError> {
        stream_of(&self.rows, StreamKind::DeviceInbox, &format!("{user_id} {device_id}"))
    }

    /// The name of a stream: room id, user id, …
    pub fn name(&self, stream: StreamId) -> Result<Option<String>, StoreError> {
        stream_name(&self.rows, stream)
    }

    /// Users whose id begins with `prefix` (with its `@`), at most `max`, in order of ids.
    pub fn users_by_prefix(
        &self,
        prefix: &str,
        max: usize,
    ) -> Result<Vec<(String, StreamId)>, StoreError> {
        let table = Key::new(Table::StreamByName).u8(kind_number(StreamKind::User));
        let scan = table.clone().raw(prefix.as_bytes());
        self.rows
            .prefix(&scan, Order::Forward)
            .take(max)
            .map(|row| {
                let (key, value) = row?;
                let stream: [u8; 8] = value
                    .as_slice()
                    .try_into()
                    .map_err(|_| StoreError::Row(Table::StreamByName.into()))?;
                Ok((KeyReader::after(&key, &table).str()?, StreamId(u64::from_be_bytes(stream))))
            })
            .collect()
    }
}
