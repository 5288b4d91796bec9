//! Noting that a device was in use, hourly at most.
//!
//! Also tells that a refreshed pair of tokens is in use: while an older pair is still valid, the
//! fact is written for the new access token alone, at once, and ends the older pair.

use facts::{Timestamp, fact::DeviceSeen};

use super::{Decision, TokenHash, UserFold};

/// A device is noted at most this often: one hour.
pub const SEEN_INTERVAL_MS: u64 = 3_600_000;

/// Decides whether the use of an access token is worth a fact.
pub fn mark_seen(
    fold: &UserFold,
    device_id: &str,
    access_hash: &TokenHash,
    address: Option<&str>,
    now: Timestamp,
) -> Decision {
    let device = fold.device(device_id)?;
    let Some(session) = &device.session else {
        return Ok(Vec::new());
    };
    let recent = device.last_seen.is_some_and(|seen| seen.0 + SEEN_INTERVAL_MS > now.0);
    let is_current = session.current.access == *access_hash;
    let worth = if session.previous.is_some() { is_current } else { is_current && !recent };
    if !worth {
        return Ok(Vec::new());
    }
    Ok(vec![
        DeviceSeen {
            device_id: device_id.to_owned(),
            at: now,
            address: address.map(str::to_owned),
        }
        .into(),
    ])
}
