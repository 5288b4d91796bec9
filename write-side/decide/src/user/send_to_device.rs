//! Sending messages to devices (client-server API, `PUT /sendToDevice`).
//!
//! Owns the fan-out: which message goes to which inbox. A local `*` becomes the person's devices;
//! messages to local devices that do not exist are dropped; those to other servers keep their
//! device id, `*` included, and wait in an inbox of that name for the outbox.

use std::collections::BTreeMap;

use facts::fact::ToDeviceQueued;
use ruma::UserId;

use super::UserRefusal;

/// The endpoint's name in recorded transactions.
pub const SEND_TO_DEVICE: &str = "send_event_to_device";
/// One request reaches at most this many devices; they go into one batch.
pub const TO_DEVICE_MESSAGES_MAX: usize = 900;
/// All messages of one request are at most this many bytes.
pub const TO_DEVICE_BYTES_MAX: usize = 900 * 1024;
/// One message's content is at most this many bytes, as for an event.
const CONTENT_BYTES_MAX: usize = 65_536;
/// Every device of a person.
const ALL_DEVICES: &str = "*";

/// Messages by user id, then by device id or `*`: the JSON object of the content.
pub type ToDeviceMessages = BTreeMap<String, BTreeMap<String, String>>;

/// A message with its inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// The recipient.
    pub user_id: String,
    /// The device; `*` for all devices of a person of another server.
    pub device_id: String,
    /// What is queued.
    pub message: ToDeviceQueued,
}

/// Decides where the messages go. `devices_of` gives the devices of a local person.
pub fn fan_out(
    server_name: &ruma::ServerName,
    sender: &str,
    event_type: &str,
    messages: &ToDeviceMessages,
    devices_of: &dyn Fn(&str) -> Vec<String>,
) -> Result<Vec<Addressed>, UserRefusal> {
    if event_type.is_empty() || event_type.len() > 255 {
        return Err(UserRefusal::InvalidParam("the event type"));
    }
    let mut out: Vec<Addressed> = Vec::new();
    let mut bytes = 0;
    for (user_id, by_device) in messages {
        let parsed = <&UserId>::try_from(user_id.as_str())
            .map_err(|_| UserRefusal::InvalidParam("a user id"))?;
        let local = (parsed.server_name() == server_name).then(|| devices_of(user_id));
        for (device_id, content) in by_device {
            check_content(content)?;
            for device_id in targets(local.as_deref(), by_device, device_id) {
                bytes += content.len();
                if out.len() == TO_DEVICE_MESSAGES_MAX || bytes > TO_DEVICE_BYTES_MAX {
                    return Err(UserRefusal::TooLarge("the request"));
                }
                out.push(Addressed {
                    user_id: user_id.clone(),
                    device_id,
                    message: ToDeviceQueued {
                        sender: sender.to_owned(),
                        event_type: event_type.to_owned(),
                        content: content.as_bytes().to_vec(),
                    },
                });
            }
        }
    }
    Ok(out)
}

/// `*` does not reach a device that the request names by itself.
fn targets(
    local: Option<&[String]>,
    by_device: &BTreeMap<String, String>,
    device_id: &str,
) -> Vec<String> {
    match local {
        None => vec![device_id.to_owned()],
        Some(devices) if device_id == ALL_DEVICES => {
            devices.iter().filter(|device| !by_device.contains_key(*device)).cloned().collect()
        }
        Some(devices) => devices.iter().filter(|device| *device == device_id).cloned().collect(),
    }
}

fn check_content(content: &str) -> Result<(), UserRefusal> {
    if content.len() > CONTENT_BYTES_MAX {
        return Err(UserRefusal::TooLarge("a message"));
    }
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(content)
        .map(drop)
        .map_err(|_| UserRefusal::BadJson("a message"))
}
