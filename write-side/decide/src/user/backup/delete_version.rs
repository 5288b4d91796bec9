//! Deleting a backup version with its keys (`DELETE /room_keys/version/{version}`).

use facts::fact::BackupVersionDeleted;

use crate::user::{Decision, UserFold};

/// Decides the deletion.
pub fn delete_backup_version(fold: &UserFold, version: u64) -> Decision {
    fold.backups.version(version)?;
    Ok(vec![BackupVersionDeleted { version }.into()])
}
