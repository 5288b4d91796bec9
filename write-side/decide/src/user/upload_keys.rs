//! Uploading device keys, one-time keys and fallback keys (client-server API, `/keys/upload`).

use facts::{
    Fact,
    fact::{DeviceKeysSet, FallbackKeysSet, NamedKey, OneTimeKeysAdded},
};

use super::{
    Decision, Device, Fingerprint, UserFold, UserRefusal, one_time_keys::algorithm_of,
    signatures::object,
};

/// One-time keys that wait for one device and algorithm are at most this many.
pub const ONE_TIME_KEYS_MAX: usize = 1_000;
/// A key, or the keys object of a device, is at most this many bytes.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// A key id is at most this many bytes.
const KEY_ID_BYTES_MAX: usize = 255;
/// All keys of one request together are at most this many bytes; they go into one part.
const UPLOAD_BYTES_MAX: usize = 384 * 1024;

/// What a device uploads; keys in the order of the request.
#[derive(Clone, Debug, Default)]
pub struct KeyUpload {
    /// JSON of the `DeviceKeys` object.
    pub device_keys: Option<String>,
    /// Algorithm and key id → JSON of the key.
    pub one_time_keys: Vec<(String, String)>,
    /// The same for fallback keys.
    pub fallback_keys: Vec<(String, String)>,
}

/// Decides an upload. What is there already changes nothing; another key under the id of one that
/// waits is refused, and a one-time key that was claimed never comes back.
pub fn upload_keys(fold: &UserFold, device_id: &str, upload: &KeyUpload) -> Decision {
    let device = fold.device(device_id)?;
    let mut facts: Vec<Fact> = Vec::new();
    if let Some(json) = &upload.device_keys {
        check_device_keys(fold, device_id, json)?;
        if !device.keys.as_ref().is_some_and(|old| same(&old.json, json)) {
            facts.push(
                DeviceKeysSet { device_id: device_id.to_owned(), keys: json.as_bytes().to_vec() }
                    .into(),
            );
        }
    }
    let keys = new_one_time_keys(device, &upload.one_time_keys)?;
    if !keys.is_empty() {
        let device_id = device_id.to_owned();
        facts.push(OneTimeKeysAdded { device_id, keys }.into());
    }
    let keys = new_fallback_keys(device, &upload.fallback_keys)?;
    if !keys.is_empty() {
        let device_id = device_id.to_owned();
        facts.push(FallbackKeysSet { device_id, keys }.into());
    }
    Ok(facts)
}

impl Device {
    /// Algorithm → how many one-time keys wait. `signed_curve25519` stands there also with 0.
    pub fn one_time_key_counts(&self) -> std::collections::BTreeMap<String, usize> {
        let mut counts: std::collections::BTreeMap<_, _> = self
            .one_time_keys
            .iter()
            .map(|(algorithm, keys)| (algorithm.clone(), keys.waiting.len()))
            .collect();
        counts.entry("signed_curve25519".to_owned()).or_insert(0);
        counts
    }
}

fn same(old: &str, new: &str) -> bool {
    Fingerprint::of_json(old.as_bytes()) == Fingerprint::of_json(new.as_bytes())
}

fn check_device_keys(fold: &UserFold, device_id: &str, json: &str) -> Result<(), UserRefusal> {
    if json.len() > KEY_BYTES_MAX {
        return Err(UserRefusal::TooLarge("device_keys"));
    }
    let keys = object(json).ok_or(UserRefusal::BadJson("device_keys"))?;
    let field = |name: &str| keys.get(name).and_then(|value| value.as_str());
    if field("user_id") != Some(&fold.user_id) || field("device_id") != Some(device_id) {
        return Err(UserRefusal::InvalidParam("device_keys of another device"));
    }
    if !keys.get("keys").is_some_and(ruma::CanonicalJsonValue::is_object) {
        return Err(UserRefusal::BadJson("device_keys"));
    }
    Ok(())
}

fn check_keys(keys: &[(String, String)]) -> Result<(), UserRefusal> {
    let mut bytes = 0;
    for (id, json) in keys {
        if id.len() > KEY_ID_BYTES_MAX || algorithm_of(id).is_none() {
            return Err(UserRefusal::InvalidParam("a key id"));
        }
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|_| UserRefusal::BadJson("a key"))?;
        if !value.is_object() && !value.is_string() {
            return Err(UserRefusal::BadJson("a key"));
        }
        bytes += id.len() + json.len();
        if json.len() > KEY_BYTES_MAX || bytes > UPLOAD_BYTES_MAX {
            return Err(UserRefusal::TooLarge("the keys"));
        }
    }
    Ok(())
}

fn new_one_time_keys(
    device: &Device,
    keys: &[(String, String)],
) -> Result<Vec<NamedKey>, UserRefusal> {
    check_keys(keys)?;
    let mut new: Vec<NamedKey> = Vec::with_capacity(keys.len());
    for (id, json) in keys {
        let algorithm = algorithm_of(id).unwrap_or_default();
        let fingerprint = Fingerprint::of_json(json.as_bytes());
        let there = device.one_time_keys.get(algorithm);
        if let Some(there) = there {
            if there.was_claimed(id) {
                continue;
            }
            if let Some(old) = there.waiting.iter().find(|key| key.id == *id) {
                if old.fingerprint != fingerprint {
                    return Err(UserRefusal::OneTimeKeyExists(id.clone()));
                }
                continue;
            }
        }
        if new.iter().any(|other| other.id == *id) {
            return Err(UserRefusal::InvalidParam("a key id that occurs twice"));
        }
        new.push(NamedKey { id: id.clone(), key: json.as_bytes().to_vec() });
        let of_algorithm = |key: &&NamedKey| algorithm_of(&key.id) == Some(algorithm);
        let added = new.iter().filter(of_algorithm).count();
        if there.map_or(0, |keys| keys.waiting.len()) + added > ONE_TIME_KEYS_MAX {
            return Err(UserRefusal::LimitReached("one-time keys"));
        }
    }
    Ok(new)
}

/// A repeated upload of the same fallback key keeps it used.
fn new_fallback_keys(
    device: &Device,
    keys: &[(String, String)],
) -> Result<Vec<NamedKey>, UserRefusal> {
    check_keys(keys)?;
    let unchanged = |id: &str, json: &str| {
        let there = algorithm_of(id).and_then(|algorithm| device.one_time_keys.get(algorithm));
        there.and_then(|keys| keys.fallback.as_ref()).is_some_and(|old| {
            old.id == id && old.fingerprint == Fingerprint::of_json(json.as_bytes())
        })
    };
    Ok(keys
        .iter()
        .filter(|(id, json)| !unchanged(id, json))
        .map(|(id, json)| NamedKey { id: id.clone(), key: json.as_bytes().to_vec() })
        .collect())
}
