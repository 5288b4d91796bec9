//! Handing out a one-time key (client-server API, `/keys/claim`).
//!
//! Exactly once by construction: the claim is decided on the owner's fold under its lock, and the
//! fact is appended before the key is given away.

use facts::{
    Fact, LogPosition,
    fact::{FallbackKeyUsed, OneTimeKeyClaimed},
};

use super::UserFold;

/// A key to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedKey {
    /// Algorithm and key id.
    pub key_id: String,
    /// The entry that holds its JSON, among others.
    pub at: LogPosition,
    /// What must be durable before the key is given away; nothing for a used fallback key.
    pub fact: Option<Fact>,
}

/// Picks the longest waiting key of an algorithm, else the fallback key. `None` where the device
/// has neither.
pub fn claim_key(fold: &UserFold, device_id: &str, algorithm: &str) -> Option<ClaimedKey> {
    let keys = fold.devices.get(device_id)?.one_time_keys.get(algorithm)?;
    if let Some(key) = keys.waiting.front() {
        let fact = OneTimeKeyClaimed { device_id: device_id.to_owned(), key_id: key.id.clone() };
        return Some(ClaimedKey { key_id: key.id.clone(), at: key.at, fact: Some(fact.into()) });
    }
    let key = keys.fallback.as_ref()?;
    let used = FallbackKeyUsed { device_id: device_id.to_owned(), key_id: key.id.clone() };
    Some(ClaimedKey { key_id: key.id.clone(), at: key.at, fact: (!key.used).then(|| used.into()) })
}
