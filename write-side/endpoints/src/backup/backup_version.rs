//! Versions and sessions of backups between ruma's types and the commands'.

use facts::fact::BackupSession;
use http_edge::MatrixError;
use ruma::{
    RoomId, UInt,
    api::client::backup::{BackupAlgorithm, KeyBackupData},
    serde::Raw,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The number of a version. Clients get numbers only, so anything else is a version that is not
/// there.
pub(super) fn number(version: &str) -> Result<u64, MatrixError> {
    version.parse().map_err(|_| MatrixError::not_found("There is no such backup version"))
}

/// Algorithm and authentication data as the client sent them.
#[derive(Deserialize)]
pub(super) struct Described {
    pub(super) algorithm: String,
    pub(super) auth_data: Box<RawValue>,
    /// Only in updates, where it must be the version in the path.
    pub(super) version: Option<String>,
}

/// Reads what a client says of a version.
pub(super) fn described(raw: &Raw<BackupAlgorithm>) -> Result<Described, MatrixError> {
    serde_json::from_str(raw.json().get()).map_err(|error| {
        if error.to_string().starts_with("missing field") {
            MatrixError::missing_param("The fields algorithm and auth_data are required")
        } else {
            MatrixError::bad_json("The backup version has a wrong shape")
        }
    })
}

/// One session as the client sent it.
pub(super) fn session(room: &RoomId, session_id: &str, data: &Raw<KeyBackupData>) -> BackupSession {
    BackupSession {
        room: room.to_string(),
        session_id: session_id.to_owned(),
        data: data.json().get().as_bytes().to_vec(),
    }
}

/// A number for an answer.
pub(super) fn uint(number: u64) -> UInt {
    UInt::new_saturating(number)
}
