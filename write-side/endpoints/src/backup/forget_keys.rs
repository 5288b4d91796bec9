//! Deleting keys of a backup version: all, those of a room, or that of one session.

use commands::user::delete_backup_keys;
use http_edge::Session;
use ruma::UInt;

use super::backup_version::{number, uint};
use crate::{WriteEndpoints, errors::EndpointError};

/// Deletes keys; the version's new etag and count.
pub(super) async fn forget_keys(
    state: &WriteEndpoints,
    session: &Session,
    version: &str,
    room: Option<&str>,
    session_id: Option<&str>,
) -> Result<(String, UInt), EndpointError> {
    session.refuse_guest()?;
    let (ws, user) = (&state.write_side, &session.user);
    let left = delete_backup_keys(ws, user, number(version)?, room, session_id).await?;
    Ok((left.etag.to_string(), uint(left.count)))
}
