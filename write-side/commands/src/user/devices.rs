//! Ending, renaming and noting devices.

use decide::user as rules;
use ruma::UserId;

use super::{
    UserError,
    own_facts::{own, own_revoking},
    token::token_hash,
};
use crate::{WriteSide, audit::By};

/// Logs one device out.
pub async fn log_out(
    ws: &WriteSide,
    user: &UserId,
    device_id: &str,
    by: &By,
) -> Result<(), UserError> {
    own_revoking(ws, user, by, |fold| rules::log_out(fold, device_id)).await
}

/// Logs all devices out.
pub async fn log_out_all(ws: &WriteSide, user: &UserId, by: &By) -> Result<(), UserError> {
    own_revoking(ws, user, by, rules::log_out_all).await
}

/// Deletes devices; unknown ones are passed over.
pub async fn delete_devices(
    ws: &WriteSide,
    user: &UserId,
    device_ids: &[String],
    by: &By,
) -> Result<(), UserError> {
    own_revoking(ws, user, by, |fold| rules::delete_devices(fold, device_ids)).await
}

/// Gives a device another name.
pub async fn rename_device(
    ws: &WriteSide,
    user: &UserId,
    device_id: &str,
    name: Option<&str>,
) -> Result<(), UserError> {
    own(ws, user, |fold| rules::rename_device(fold, device_id, name)).await
}

/// Notes that an access token was used; hourly, and at the first use after a refresh.
pub async fn mark_seen(
    ws: &WriteSide,
    user: &UserId,
    device_id: &str,
    access_token: &str,
    address: Option<&str>,
) -> Result<(), UserError> {
    let hash = token_hash(access_token);
    let now = ws.now();
    own(ws, user, |fold| rules::mark_seen(fold, device_id, &hash, address, now)).await
}
