//! Versions of key backups, as the backup endpoints need them.

use facts::StreamId;
use http_edge::{MatrixError, Session};
use projections::{
    Snapshot,
    query::{BackupVersion, StoredSession},
};
use serde_json::{Map, Value, json};

use crate::{fault::ReadFault, state::ReadSide};

/// A backup version; `None` asks for the latest.
pub(super) fn backup_version(
    snapshot: &Snapshot,
    user: StreamId,
    version: Option<&str>,
) -> Result<BackupVersion, ReadFault> {
    let unknown = || MatrixError::not_found("There is no such backup version");
    // Versions are numbers of ours; any other text names none.
    let number = match version {
        None => None,
        Some(version) => Some(version.parse::<u64>().map_err(|_| unknown())?),
    };
    Ok(snapshot.backup(user, number)?.ok_or_else(unknown)?)
}

/// Sessions of a version: all, those of a room, or one.
pub(super) async fn backup_sessions(
    read: &ReadSide,
    session: &Session,
    version: String,
    room: Option<String>,
    session_id: Option<String>,
) -> Result<Vec<StoredSession>, MatrixError> {
    session.refuse_guest()?;
    let user = session.user_stream;
    let sessions = read.ask(move |snapshot| {
        let version = backup_version(snapshot, user, Some(&version))?.version;
        let (room, session_id) = (room.as_deref(), session_id.as_deref());
        Ok(snapshot.backup_sessions(user, version, room, session_id)?)
    });
    Ok(sessions.await?)
}

/// A version as clients see it.
pub(super) fn version_json(version: &BackupVersion) -> Value {
    let auth_data: Value = serde_json::from_slice(&version.auth_data).unwrap_or_default();
    json!({
        "algorithm": version.algorithm,
        "auth_data": auth_data,
        "count": version.count,
        "etag": version.etag.to_string(),
        "version": version.version.to_string(),
    })
}

/// Sessions of one room, by session id.
pub(super) fn sessions_json<'a>(
    sessions: impl IntoIterator<Item = &'a StoredSession>,
) -> Map<String, Value> {
    sessions
        .into_iter()
        .filter_map(|session| Some((session.session_id.clone(), data(session)?)))
        .collect()
}

/// What a client backed up.
pub(super) fn data(session: &StoredSession) -> Option<Value> {
    serde_json::from_slice(&session.data).ok()
}
