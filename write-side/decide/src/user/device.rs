//! Devices and their sessions.
//!
//! Owns the shape of a device, of a pair of tokens, and how a token is matched. Tokens are known
//! by their SHA-256 alone.

use std::collections::BTreeMap;

use facts::{LogPosition, Timestamp};
use serde::{Deserialize, Serialize};

use super::{OneTimeKeys, StoredJson, UserFold};

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// An access token with the refresh token that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPair {
    /// Hash of the access token.
    pub access: TokenHash,
    /// When the access token ends; `None` for never.
    pub access_expires_at: Option<Timestamp>,
    /// Hash of the refresh token.
    pub refresh: Option<TokenHash>,
    /// The entry that holds them.
    pub at: LogPosition,
}

/// The session of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The tokens in force.
    pub current: TokenPair,
    /// The pair before a refresh, valid until the current one is used.
    pub previous: Option<TokenPair>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Name shown to the person.
    pub display_name: Option<String>,
    /// The entry that added it. Inbox entries before it belong to an earlier device of this id.
    pub added_at: LogPosition,
    /// The entry of its latest name, where it was renamed.
    pub renamed_at: Option<LogPosition>,
    /// When it was added.
    pub created: Timestamp,
    /// Its session; `None` for a device without a login.
    pub session: Option<Session>,
    /// When it was last seen, to the hour.
    pub last_seen: Option<Timestamp>,
    /// Its identity keys (JSON of `DeviceKeys`).
    pub keys: Option<StoredJson>,
    /// Algorithm → its one-time and fallback keys.
    pub one_time_keys: BTreeMap<String, OneTimeKeys>,
}

/// What an access token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMatch<'a> {
    /// A device in a valid session.
    Valid {
        /// The device.
        device_id: &'a str,
        /// True where using the token ends an older pair: append what `mark_seen` decides.
        confirms: bool,
    },
    /// The token ended; the client may refresh (soft logout).
    Expired,
    /// No such token.
    Unknown,
}

pub(super) fn session_of<'a>(
    fold: &'a UserFold,
    access: &TokenHash,
    now: Timestamp,
) -> SessionMatch<'a> {
    for (device_id, device) in &fold.devices {
        let Some(session) = &device.session else {
            continue;
        };
        let mut pairs = std::iter::once(&session.current).chain(&session.previous);
        let Some(pair) = pairs.find(|pair| pair.access == *access) else {
            continue;
        };
        if pair.access_expires_at.is_some_and(|end| end <= now) {
            return SessionMatch::Expired;
        }
        return SessionMatch::Valid {
            device_id,
            confirms: session.previous.is_some() && session.current.access == *access,
        };
    }
    SessionMatch::Unknown
}
