//! Ending devices: logout of one or all, and deletion by id.

use facts::fact::DevicesRemoved;

use super::{Decision, UserFold, UserRefusal};

/// At most so many devices in one fact.
const REMOVED_MAX: usize = 10_000;

/// Logs one device out, which removes it.
pub fn log_out(fold: &UserFold, device_id: &str) -> Decision {
    fold.device(device_id)?;
    Ok(vec![removed(vec![device_id.to_owned()])])
}

/// Logs all devices out. Nothing to do without devices.
pub fn log_out_all(fold: &UserFold) -> Decision {
    Ok(all_but(fold, None))
}

/// Deletes the named devices; names of no device are passed over.
pub fn delete_devices(fold: &UserFold, device_ids: &[String]) -> Decision {
    if device_ids.len() > REMOVED_MAX {
        return Err(UserRefusal::LimitReached("devices"));
    }
    let mut known: Vec<String> = device_ids
        .iter()
        .filter(|device_id| fold.devices.contains_key(*device_id))
        .cloned()
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![removed(known)])
}

pub(super) fn all_but(fold: &UserFold, kept: Option<&str>) -> Vec<facts::Fact> {
    let device_ids: Vec<String> = fold
        .devices
        .keys()
        .filter(|device_id| Some(device_id.as_str()) != kept)
        .cloned()
        .collect();
    if device_ids.is_empty() {
        return Vec::new();
    }
    vec![removed(device_ids)]
}

fn removed(device_ids: Vec<String>) -> facts::Fact {
    DevicesRemoved { device_ids }.into()
}
