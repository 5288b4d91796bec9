//! Server-side key backups.

use facts::{Fact, LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::{rows::BackupRow, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// A backup version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupVersion {
    /// Version.
    pub version: u64,
    /// Algorithm.
    pub algorithm: String,
    /// JSON of `auth_data`.
    pub auth_data: Vec<u8>,
    /// Number of sessions.
    pub count: u64,
    /// Changes whenever the sessions do.
    pub etag: u64,
}

/// A backed-up session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Room id.
    pub room: String,
    /// Megolm session id.
    pub session_id: String,
    /// JSON of the `KeyBackupData` object.
    pub data: Vec<u8>,
}

impl Snapshot {
    /// A version, or the latest; `None` where it does not exist or was deleted.
    pub fn backup(
        &self,
        user: StreamId,
        version: Option<u64>,
    ) -> Result<Option<BackupVersion>, StoreError> {
        let prefix = Key::new(Table::Backup).u64(user.0);
        if let Some(version) = version {
            let row: Option<BackupRow> = self.rows.get_row(&prefix.u64(version))?;
            return match row {
                Some(row) if !row.deleted => self.backup_of(version, &row),
                _ => Ok(None),
            };
        }
        for row in self.rows.prefix(&prefix, Order::Backward) {
            let (key, value) = row?;
            let row: BackupRow = decode(Table::Backup.into(), &value)?;
            if !row.deleted {
                return self.backup_of(KeyReader::after(&key, &prefix).u64()?, &row);
            }
        }
        Ok(None)
    }

    fn backup_of(
        &self,
        version: u64,
        row: &BackupRow,
    ) -> Result<Option<BackupVersion>, StoreError> {
        let created = self.body(LogPosition(row.created))?;
        let updated = self.body(LogPosition(row.updated))?;
        let Some(Fact::BackupVersionCreated(first)) = created.as_ref().map(|body| &body.fact)
        else {
            return Ok(None);
        };
        let auth_data = match updated.as_ref().map(|body| &body.fact) {
            Some(Fact::BackupVersionUpdated(update)) => update.auth_data.clone(),
            _ => first.auth_data.clone(),
        };
        Ok(Some(BackupVersion {
            version,
            algorithm: first.algorithm.clone(),
            auth_data,
            count: row.count,
            etag: row.etag,
        }))
    }

    /// The sessions of a version: all, of one room, or one.
    pub fn backup_sessions(
        &self,
        user: StreamId,
        version: u64,
        room: Option<&str>,
        session_id: Option<&str>,
    ) -> Result<Vec<StoredSession>, StoreError> {
        let mut prefix = Key::new(Table::BackupSession).u64(user.0).u64(version);
        if let Some(room) = room {
            prefix = prefix.str(room);
            if let Some(session_id) = session_id {
                prefix = prefix.str(session_id);
            }
        }
        let mut sessions = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let (position, index): (u64, u32) = decode(Table::BackupSession.into(), &row?.1)?;
            let body = self.body(LogPosition(position))?;
            if let Some(Fact::BackupKeysStored(stored)) = body.as_ref().map(|body| &body.fact)
                && let Ok(index) = usize::try_from(index)
                && let Some(session) = stored.sessions.get(index)
            {
                sessions.push(StoredSession {
                    room: session.room.clone(),
                    session_id: session.session_id.clone(),
                    data: session.data.clone(),
                });
            }
        }
        Ok(sessions)
    }
}
