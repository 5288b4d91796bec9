//! Key backups.

use decide::user::{UserFold, UserRefusal, backup as rules};
use facts::fact::BackupSession;
use ruma::UserId;

use super::{
    UserError,
    own_facts::{look, own, own_with},
};
use crate::{ViewWait, WriteSide};

/// What a client is told of a version after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupState {
    /// Changes with every change of keys.
    pub etag: u64,
    /// Sessions that are stored.
    pub count: u64,
}

/// Begins a version; answers its number.
pub async fn create_backup_version(
    ws: &WriteSide,
    user: &UserId,
    algorithm: &str,
    auth_data: &str,
) -> Result<u64, UserError> {
    let done = own_with(ws, user, ViewWait::Bounded, |fold| {
        let facts = rules::create_backup_version(fold, algorithm, auth_data)?;
        Ok((facts, fold.backups.last_version + 1))
    });
    Ok(done.await?.reply)
}

/// Gives a version new `auth_data`.
pub async fn update_backup_version(
    ws: &WriteSide,
    user: &UserId,
    version: u64,
    algorithm: &str,
    auth_data: &str,
) -> Result<(), UserError> {
    own(ws, user, |fold| rules::update_backup_version(fold, version, algorithm, auth_data)).await
}

/// Deletes a version with its keys.
pub async fn delete_backup_version(
    ws: &WriteSide,
    user: &UserId,
    version: u64,
) -> Result<(), UserError> {
    own(ws, user, |fold| rules::delete_backup_version(fold, version)).await
}

/// Stores sessions in the current version, where they beat what is there.
pub async fn store_backup_keys(
    ws: &WriteSide,
    user: &UserId,
    version: u64,
    sessions: &[BackupSession],
) -> Result<BackupState, UserError> {
    own(ws, user, |fold| rules::store_backup_keys(fold, version, sessions)).await?;
    backup_state(ws, user, version).await
}

/// Deletes one session, a room's sessions, or all.
pub async fn delete_backup_keys(
    ws: &WriteSide,
    user: &UserId,
    version: u64,
    room: Option<&str>,
    session_id: Option<&str>,
) -> Result<BackupState, UserError> {
    own(ws, user, |fold| rules::delete_backup_keys(fold, version, room, session_id)).await?;
    backup_state(ws, user, version).await
}

/// Etag and count of a version.
pub async fn backup_state(
    ws: &WriteSide,
    user: &UserId,
    version: u64,
) -> Result<BackupState, UserError> {
    let state = |fold: &UserFold| -> Result<BackupState, UserRefusal> {
        let backup = fold.backups.version(version)?;
        Ok(BackupState { etag: backup.etag, count: backup.count() })
    };
    look(ws, user, state).await?.map_err(UserError::Refusal)
}
