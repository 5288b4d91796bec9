//! Giving a backup version new `auth_data` (`PUT /room_keys/version/{version}`).

use facts::fact::BackupVersionUpdated;

use super::create_version::check_auth_data;
use crate::user::{Decision, UserFold, UserRefusal};

/// Decides the update. The algorithm of a version never changes.
pub fn update_backup_version(
    fold: &UserFold,
    version: u64,
    algorithm: &str,
    auth_data: &str,
) -> Decision {
    let backup = fold.backups.version(version)?;
    if backup.algorithm != algorithm {
        return Err(UserRefusal::InvalidParam("the algorithm"));
    }
    check_auth_data(auth_data)?;
    Ok(vec![BackupVersionUpdated { version, auth_data: auth_data.as_bytes().to_vec() }.into()])
}
