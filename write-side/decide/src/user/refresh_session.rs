//! Refreshing a session (client-server API, `POST /refresh`).
//!
//! The used refresh token stays usable until the new access token is used, so a client whose
//! answer was lost can try again. That first use is told by `mark_seen`.

use facts::{Timestamp, fact::SessionRefreshed};

use super::{Decision, TokenHash, TokenPair, UserFold, UserRefusal};

/// New tokens for a refresh token.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Hash of the refresh token that the client shows.
    pub used_refresh_hash: TokenHash,
    /// Hash of the new access token.
    pub access_hash: TokenHash,
    /// When the new access token ends; `None` for never.
    pub access_expires_at: Option<Timestamp>,
    /// Hash of the new refresh token.
    pub refresh_hash: TokenHash,
}

/// Decides a refresh.
pub fn refresh_session(fold: &UserFold, command: &Refresh) -> Decision {
    fold.active_account().map_err(|_| UserRefusal::UnknownToken)?;
    let used = Some(command.used_refresh_hash);
    let holds = |pair: &TokenPair| pair.refresh == used;
    let device_id = fold.devices.iter().find_map(|(device_id, device)| {
        let session = device.session.as_ref()?;
        let held = holds(&session.current) || session.previous.as_ref().is_some_and(holds);
        held.then_some(device_id)
    });
    let device_id = device_id.ok_or(UserRefusal::UnknownToken)?;
    Ok(vec![
        SessionRefreshed {
            device_id: device_id.clone(),
            used_refresh_hash: command.used_refresh_hash,
            access_hash: command.access_hash,
            access_expires_at: command.access_expires_at,
            refresh_hash: command.refresh_hash,
        }
        .into(),
    ])
}
