//! Room aliases of this server.

use super::Snapshot;
use crate::{
    client_view::{rows::AliasRow, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError},
};

impl Snapshot {
    /// The room id and the creator's user id of an alias.
    pub fn alias(&self, alias: &str) -> Result<Option<(String, String)>, StoreError> {
        let row: Option<AliasRow> = self.rows.get_row(&Key::new(Table::Alias).str(alias))?;
        Ok(row.map(|row| (row.room, row.creator)))
    }

    /// All our aliases of a room.
    pub fn aliases_of(&self, room_id: &str) -> Result<Vec<String>, StoreError> {
        let prefix = Key::new(Table::RoomAlias).str(room_id);
        self.rows
            .prefix(&prefix, Order::Forward)
            .map(|row| KeyReader::after(&row?.0, &prefix).str())
            .collect()
    }
}
