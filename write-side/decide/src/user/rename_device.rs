//! Renaming a device (client-server API, `PUT /devices/{deviceId}`).

use facts::fact::DeviceRenamed;

use super::{Decision, UserFold, log_in::check_device_name};

/// Decides another name. The same name changes nothing.
pub fn rename_device(fold: &UserFold, device_id: &str, name: Option<&str>) -> Decision {
    let device = fold.device(device_id)?;
    check_device_name(name)?;
    if device.display_name.as_deref() == name {
        return Ok(Vec::new());
    }
    Ok(vec![
        DeviceRenamed { device_id: device_id.to_owned(), display_name: name.map(str::to_owned) }
            .into(),
    ])
}
