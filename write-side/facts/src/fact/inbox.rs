//! Facts of a device's inbox: messages to that one device.
//!
//! Owns to-device facts. The inbox tree's prefix is destroyed when the device has acknowledged.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::LogPosition;

/// A message waits for the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToDeviceQueued {
    /// Who sent it.
    pub sender: String,
    /// Event type.
    pub event_type: String,
    /// JSON object of the content.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}
one_part_fact!(ToDeviceQueued = 96, ToDevice, personal: true);

/// The device has everything up to and including a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToDeviceAcknowledged {
    /// The last position that it has.
    pub through: LogPosition,
}
one_part_fact!(ToDeviceAcknowledged = 97, Control, personal: false);
