//! Handing out one-time keys of local persons.

use std::collections::BTreeMap;

use decide::user::{ClaimedKey, UserFold, UserRefusal, claim_key};
use facts::Fact;
use ruma::OwnedUserId;

use super::{UserError, own_facts::own_with};
use crate::{ViewWait, WriteSide};

/// One request claims at most this many keys.
pub const CLAIMS_MAX: usize = 1_000;

/// User id → device id → (algorithm and key id, JSON of the key).
pub type ClaimedKeys = BTreeMap<OwnedUserId, BTreeMap<String, (String, String)>>;

/// Claims one key for each named device and algorithm. Devices without keys are left out.
///
/// A crash after the append loses the keys of this answer: they are never handed out again.
pub async fn claim_keys(
    ws: &WriteSide,
    wanted: &BTreeMap<OwnedUserId, BTreeMap<String, String>>,
) -> Result<ClaimedKeys, UserError> {
    if wanted.values().map(BTreeMap::len).sum::<usize>() > CLAIMS_MAX {
        return Err(UserError::Refusal(UserRefusal::TooLarge("the request")));
    }
    let mut all = ClaimedKeys::new();
    for (user, devices) in wanted {
        if ws.user_stream(user)?.is_none() {
            continue;
        }
        let done = own_with(ws, user, ViewWait::Bounded, |fold| Ok(decide(fold, devices)));
        let mut keys = BTreeMap::new();
        for (device_id, claimed) in done.await?.reply {
            if let Some(json) = key_json(ws, &claimed).await? {
                keys.insert(device_id, (claimed.key_id, json));
            }
        }
        if !keys.is_empty() {
            all.insert(user.clone(), keys);
        }
    }
    Ok(all)
}

fn decide(
    fold: &UserFold,
    devices: &BTreeMap<String, String>,
) -> (Vec<Fact>, Vec<(String, ClaimedKey)>) {
    let mut facts = Vec::new();
    let mut claims = Vec::new();
    for (device_id, algorithm) in devices {
        if let Some(claimed) = claim_key(fold, device_id, algorithm) {
            facts.extend(claimed.fact.clone());
            claims.push((device_id.clone(), claimed));
        }
    }
    (facts, claims)
}

/// The key's JSON, from the entry that brought it. It is older than the claim, so it is durable.
async fn key_json(ws: &WriteSide, claimed: &ClaimedKey) -> Result<Option<String>, UserError> {
    let keys = match ws.read_fact(claimed.at).await? {
        Some(Fact::OneTimeKeysAdded(added)) => added.keys,
        Some(Fact::FallbackKeysSet(set)) => set.keys,
        _ => return Ok(None),
    };
    let key = keys.into_iter().find(|key| key.id == claimed.key_id);
    Ok(key.and_then(|key| String::from_utf8(key.key).ok()))
}
