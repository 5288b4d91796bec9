//! Logging in: a device gets a session (client-server API, `POST /login`).

use facts::{
    Fact, Timestamp,
    fact::{DeviceAdded, SessionOpened},
};

use super::{Decision, TokenHash, UserFold, UserRefusal};

/// A device id is at most this many bytes.
pub const DEVICE_ID_BYTES_MAX: usize = 255;
/// A person has at most this many devices.
pub const DEVICES_MAX: usize = 10_000;
/// A device's name is at most this many bytes.
pub(super) const DEVICE_NAME_BYTES_MAX: usize = 1_000;

/// A login whose credentials were checked.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// Device id, of the client's choice or made up.
    pub device_id: String,
    /// Name of a new device; an existing device keeps its own.
    pub display_name: Option<String>,
    /// Hash of the access token.
    pub access_hash: TokenHash,
    /// When it ends; `None` for never.
    pub access_expires_at: Option<Timestamp>,
    /// Hash of the refresh token.
    pub refresh_hash: Option<TokenHash>,
}

/// Decides a login. A device that exists keeps its keys and loses its earlier tokens.
pub fn log_in(fold: &UserFold, command: &LogIn) -> Decision {
    fold.active_account()?;
    session_facts(fold, command)
}

pub(super) fn session_facts(fold: &UserFold, command: &LogIn) -> Decision {
    if command.device_id.is_empty() || command.device_id.len() > DEVICE_ID_BYTES_MAX {
        return Err(UserRefusal::InvalidDeviceId);
    }
    let mut facts: Vec<Fact> = Vec::with_capacity(2);
    if !fold.devices.contains_key(&command.device_id) {
        if fold.devices.len() >= DEVICES_MAX {
            return Err(UserRefusal::LimitReached("devices"));
        }
        check_device_name(command.display_name.as_deref())?;
        facts.push(
            DeviceAdded {
                device_id: command.device_id.clone(),
                display_name: command.display_name.clone(),
            }
            .into(),
        );
    }
    facts.push(
        SessionOpened {
            device_id: command.device_id.clone(),
            access_hash: command.access_hash,
            access_expires_at: command.access_expires_at,
            refresh_hash: command.refresh_hash,
        }
        .into(),
    );
    Ok(facts)
}

pub(super) fn check_device_name(name: Option<&str>) -> Result<(), UserRefusal> {
    match name {
        Some(name) if name.len() > DEVICE_NAME_BYTES_MAX => {
            Err(UserRefusal::TooLarge("the device name"))
        }
        _ => Ok(()),
    }
}
