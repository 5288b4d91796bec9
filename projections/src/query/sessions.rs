//! Sessions by token and devices by user.

use facts::{Fact, LogPosition, StreamId, Timestamp, fact::AccountKind};

use super::Snapshot;
use crate::{
    client_view::{
        rows::{AccessRow, DeviceRow},
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The person's stream.
    pub user: StreamId,
    /// User id.
    pub user_id: String,
    /// Device id.
    pub device_id: String,
    /// End of the access token; the caller compares it with its clock (`soft_logout`).
    pub expires_at: Option<Timestamp>,
    /// Server administrator.
    pub admin: bool,
    /// Kind of account.
    pub kind: AccountKind,
    /// Position of the fact that gave the token.
    pub since: LogPosition,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Device id.
    pub device_id: String,
    /// Name shown to the person.
    pub display_name: Option<String>,
    /// When it was last in use.
    pub seen_at: Option<Timestamp>,
    /// Address from which it was last in use.
    pub seen_address: Option<String>,
}

impl Snapshot {
    /// The session of an access token, by the token's SHA-256; `None` for a token that is unknown,
    /// revoked, or of an account that is no more.
    pub fn session(&self, access_hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let key = Key::new(Table::Access).raw(access_hash);
        let Some(row) = self.rows.get_row::<AccessRow>(&key)? else {
            return Ok(None);
        };
        let user = StreamId(row.user);
        let (Some(account), Some(user_id)) = (self.account(user)?, self.name(user)?) else {
            return Ok(None);
        };
        Ok((!account.deactivated).then_some(Session {
            user,
            user_id,
            device_id: row.device_id,
            expires_at: row.expires_at,
            admin: account.admin,
            kind: account.kind,
            since: LogPosition(row.since),
        }))
    }

    /// User and device id of a refresh token, by the token's SHA-256.
    pub fn refresh_session(
        &self,
        refresh_hash: &[u8; 32],
    ) -> Result<Option<(StreamId, String)>, StoreError> {
        let key = Key::new(Table::Refresh).raw(refresh_hash);
        let row: Option<(u64, String)> = self.rows.get_row(&key)?;
        Ok(row.map(|(user, device_id)| (StreamId(user), device_id)))
    }

    /// A device of a user.
    pub fn device(&self, user: StreamId, device_id: &str) -> Result<Option<Device>, StoreError> {
        let key = Key::new(Table::Device).u64(user.0).str(device_id);
        match self.rows.get_row::<DeviceRow>(&key)? {
            Some(row) => Ok(Some(self.device_of(device_id.to_owned(), row)?)),
            None => Ok(None),
        }
    }

    /// All devices of a user, in order of ids.
    pub fn devices(&self, user: StreamId) -> Result<Vec<Device>, StoreError> {
        let prefix = Key::new(Table::Device).u64(user.0);
        self.rows
            .prefix(&prefix, Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let device_id = KeyReader::after(&key, &prefix).str()?;
                self.device_of(device_id, decode(Table::Device.into(), &value)?)
            })
            .collect()
    }

    fn device_of(&self, device_id: String, row: DeviceRow) -> Result<Device, StoreError> {
        let seen = match row.seen {
            Some(position) => self.body(LogPosition(position))?,
            None => None,
        };
        Ok(Device {
            device_id,
            display_name: row.display_name,
            seen_at: row.seen_at,
            seen_address: seen.and_then(|body| match &body.fact {
                Fact::DeviceSeen(seen) => seen.address.clone(),
                _ => None,
            }),
        })
    }
}
