//! Uploading device, one-time and fallback keys.

use std::collections::BTreeMap;

use decide::user::{self as rules, KeyUpload};
use facts::Fact;
use ruma::UserId;

use super::{UserError, own_facts::own_with};
use crate::{ViewWait, WriteSide};

/// Uploads keys; answers how many one-time keys wait, by algorithm.
pub async fn upload_keys(
    ws: &WriteSide,
    user: &UserId,
    device_id: &str,
    upload: &KeyUpload,
) -> Result<BTreeMap<String, usize>, UserError> {
    let done = own_with(ws, user, ViewWait::Bounded, |fold| {
        let facts = rules::upload_keys(fold, device_id, upload)?;
        let mut counts =
            fold.devices.get(device_id).map(rules::Device::one_time_key_counts).unwrap_or_default();
        for fact in &facts {
            let Fact::OneTimeKeysAdded(added) = fact else {
                continue;
            };
            for key in &added.keys {
                let algorithm = key.id.split(':').next().unwrap_or_default();
                *counts.entry(algorithm.to_owned()).or_insert(0) += 1;
            }
        }
        Ok((facts, counts))
    });
    Ok(done.await?.reply)
}
