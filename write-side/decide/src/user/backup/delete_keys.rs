//! Deleting keys from a backup version (`DELETE /room_keys/keys…`).

use facts::fact::BackupKeysDeleted;

use crate::user::{Decision, UserFold};

/// Decides the deletion of one session, one room or all; nothing where nothing matches.
pub fn delete_backup_keys(
    fold: &UserFold,
    version: u64,
    room: Option<&str>,
    session_id: Option<&str>,
) -> Decision {
    let backup = fold.backups.version(version)?;
    let matches = match (room, session_id) {
        (None, _) => !backup.sessions.is_empty(),
        (Some(room), None) => backup.sessions.contains_key(room),
        (Some(room), Some(session)) => {
            backup.sessions.get(room).is_some_and(|sessions| sessions.contains_key(session))
        }
    };
    if !matches {
        return Ok(Vec::new());
    }
    Ok(vec![
        BackupKeysDeleted {
            version,
            room: room.map(str::to_owned),
            session_id: session_id.map(str::to_owned),
        }
        .into(),
    ])
}
