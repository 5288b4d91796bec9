//! Ending devices: logout of one or all, and deletion by id.

use facts::{Fact, fact::DevicesRemoved};

use super::{DEVICES_MAX, Decision, UserFold, UserRefusal};

/// Devices of one fact, so that it fits a part also with the longest ids.
const REMOVED_BY_FACT_MAX: usize = 1_000;

/// Logs one device out, which removes it.
pub fn log_out(fold: &UserFold, device_id: &str) -> Decision {
    fold.device(device_id)?;
    Ok(removed(&[device_id.to_owned()]))
}

/// Logs all devices out. Nothing to do without devices.
pub fn log_out_all(fold: &UserFold) -> Decision {
    Ok(all_but(fold, None))
}

/// Deletes the named devices; names of no device are passed over.
pub fn delete_devices(fold: &UserFold, device_ids: &[String]) -> Decision {
    if device_ids.len() > DEVICES_MAX {
        return Err(UserRefusal::LimitReached("devices"));
    }
    let mut known: Vec<String> = device_ids
        .iter()
        .filter(|device_id| fold.devices.contains_key(*device_id))
        .cloned()
        .collect();
    known.sort_unstable();
    known.dedup();
    Ok(removed(&known))
}

pub(super) fn all_but(fold: &UserFold, kept: Option<&str>) -> Vec<Fact> {
    let device_ids: Vec<String> =
        fold.devices.keys().filter(|device_id| Some(device_id.as_str()) != kept).cloned().collect();
    removed(&device_ids)
}

fn removed(device_ids: &[String]) -> Vec<Fact> {
    let chunks = device_ids.chunks(REMOVED_BY_FACT_MAX);
    chunks
        .map(|chunk| {
            let device_ids = chunk.to_vec();
            DevicesRemoved { device_ids }.into()
        })
        .collect()
}
