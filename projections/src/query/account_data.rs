//! Account data, profiles and filters of a user.

use facts::{Fact, LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::{recent::Change, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// A piece of account data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDataItem {
    /// Room; `None` for global data.
    pub room: Option<StreamId>,
    /// Event type of the data.
    pub data_type: String,
    /// Position of the fact.
    pub position: LogPosition,
    /// JSON object of the content; `None` where it was removed (MSC3391: shown as `{}`).
    pub content: Option<Vec<u8>>,
}

impl Snapshot {
    /// One piece of account data; `None` where it is not set.
    pub fn account_data(
        &self,
        user: StreamId,
        room: Option<StreamId>,
        data_type: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = data_key(user, room).str(data_type);
        match self.rows.get_u64(&key)? {
            Some(position) => self.data_content(LogPosition(position)),
            None => Ok(None),
        }
    }

    /// All data of a user that is set: global, or of one room.
    pub fn all_account_data(
        &self,
        user: StreamId,
        room: Option<StreamId>,
    ) -> Result<Vec<AccountDataItem>, StoreError> {
        let prefix = data_key(user, room);
        let mut items = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let (key, value) = row?;
            let position = super::timeline::position_of(Table::AccountData, &value)?;
            let content = self.data_content(position)?;
            if content.is_some() {
                items.push(AccountDataItem {
                    room,
                    data_type: KeyReader::after(&key, &prefix).str()?,
                    position,
                    content,
                });
            }
        }
        Ok(items)
    }

    /// Data of a user that was set or removed in (since, upto], global and of all rooms.
    pub fn account_data_since(
        &self,
        user: StreamId,
        since: LogPosition,
    ) -> Result<Vec<AccountDataItem>, StoreError> {
        if !self.may_have(Change::AccountData(user), since) {
            return Ok(Vec::new());
        }
        let prefix = Key::new(Table::AccountDataLog).u64(user.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        self.rows
            .iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let position = LogPosition(KeyReader::after(&key, &prefix).u64()?);
                let shape = || StoreError::Row(Table::AccountDataLog.into());
                let (room, data_type) = value.split_first_chunk::<8>().ok_or_else(shape)?;
                let room = u64::from_be_bytes(*room);
                Ok(AccountDataItem {
                    room: (room != 0).then_some(StreamId(room)),
                    data_type: String::from_utf8(data_type.to_vec()).map_err(|_| shape())?,
                    position,
                    content: self.data_content(position)?,
                })
            })
            .collect()
    }

    fn data_content(&self, position: LogPosition) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.body(position)?.and_then(|body| match &body.fact {
            Fact::AccountDataSet(data) => data.content.clone(),
            _ => None,
        }))
    }

    /// Canonical JSON of one profile field.
    pub fn profile_field(
        &self,
        user: StreamId,
        field: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = Key::new(Table::Profile).u64(user.0).str(field);
        match self.rows.get_u64(&key)? {
            Some(position) => self.field_value(LogPosition(position)),
            None => Ok(None),
        }
    }

    /// All profile fields that are set, with canonical JSON of their values.
    pub fn profile(&self, user: StreamId) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let prefix = Key::new(Table::Profile).u64(user.0);
        let mut fields = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let (key, value) = row?;
            let position = super::timeline::position_of(Table::Profile, &value)?;
            if let Some(value) = self.field_value(position)? {
                fields.push((KeyReader::after(&key, &prefix).str()?, value));
            }
        }
        Ok(fields)
    }

    fn field_value(&self, position: LogPosition) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(body) = self.body(position)? else { return Ok(None) };
        match &body.fact {
            Fact::ProfileFieldSet(field)
                if !self.is_profile_hidden(body.stream, body.recorded_at)? =>
            {
                Ok(field.value.clone())
            }
            _ => Ok(None),
        }
    }

    /// JSON of an uploaded filter.
    pub fn filter(&self, user: StreamId, filter_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = Key::new(Table::Filter).u64(user.0).str(filter_id);
        let Some(position) = self.rows.get_u64(&key)? else {
            return Ok(None);
        };
        Ok(self.body(LogPosition(position))?.and_then(|body| match &body.fact {
            Fact::FilterStored(filter) => Some(filter.filter.clone()),
            _ => None,
        }))
    }
}

fn data_key(user: StreamId, room: Option<StreamId>) -> Key {
    Key::new(Table::AccountData).u64(user.0).u64(room.map_or(0, |room| room.0))
}
