//! Beginning a backup version (`POST /room_keys/version`).

use facts::fact::BackupVersionCreated;

use crate::user::{Decision, UserFold, UserRefusal};

/// `auth_data` is at most this many bytes.
pub(super) const AUTH_DATA_BYTES_MAX: usize = 64 * 1024;
/// A person has at most this many versions at a time.
const VERSIONS_MAX: usize = 100;

/// Decides a new version; its number is `fold.backups.last_version + 1`.
pub fn create_backup_version(fold: &UserFold, algorithm: &str, auth_data: &str) -> Decision {
    fold.active_account()?;
    check_auth_data(auth_data)?;
    if algorithm.is_empty() || algorithm.len() > 255 {
        return Err(UserRefusal::InvalidParam("the algorithm"));
    }
    if fold.backups.versions.len() >= VERSIONS_MAX {
        return Err(UserRefusal::LimitReached("backup versions"));
    }
    Ok(vec![
        BackupVersionCreated {
            version: fold.backups.last_version + 1,
            algorithm: algorithm.to_owned(),
            auth_data: auth_data.as_bytes().to_vec(),
        }
        .into(),
    ])
}

pub(super) fn check_auth_data(auth_data: &str) -> Result<(), UserRefusal> {
    if auth_data.len() > AUTH_DATA_BYTES_MAX {
        return Err(UserRefusal::TooLarge("auth_data"));
    }
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(auth_data)
        .map(drop)
        .map_err(|_| UserRefusal::BadJson("auth_data"))
}
