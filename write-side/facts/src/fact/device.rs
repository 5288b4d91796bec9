//! Facts of a person's stream about devices and their sessions.
//!
//! Owns device and token facts. Tokens stand in the log as SHA-256 of a high-entropy random
//! string only; superseded hashes die one leaf each (class `Credential`).

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::Timestamp;

/// A device logged in for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAdded {
    /// Device id.
    pub device_id: String,
    /// Name shown to the person.
    pub display_name: Option<String>,
}
one_part_fact!(DeviceAdded = 48, Device, personal: true);

/// A device got another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRenamed {
    /// Device id.
    pub device_id: String,
    /// Name shown to the person.
    pub display_name: Option<String>,
}
one_part_fact!(DeviceRenamed = 49, Device, personal: true);

/// Devices are gone, with their tokens, keys and inboxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesRemoved {
    /// Device ids.
    pub device_ids: Vec<String>,
}
one_part_fact!(DevicesRemoved = 50, Device, personal: true);

/// A device holds a new access token; earlier tokens of the device end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// Device id.
    pub device_id: String,
    /// SHA-256 of the access token.
    #[serde(with = "serde_bytes")]
    pub access_hash: [u8; 32],
    /// When the access token ends; `None` for never.
    pub access_expires_at: Option<Timestamp>,
    /// SHA-256 of the refresh token.
    #[serde(with = "serde_bytes")]
    pub refresh_hash: Option<[u8; 32]>,
}
one_part_fact!(SessionOpened = 51, Credential, personal: true);

/// A refresh token was used. The old pair stays valid until the new access token is used, or
/// until the old access token ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRefreshed {
    /// Device id.
    pub device_id: String,
    /// SHA-256 of the refresh token that was used.
    #[serde(with = "serde_bytes")]
    pub used_refresh_hash: [u8; 32],
    /// SHA-256 of the new access token.
    #[serde(with = "serde_bytes")]
    pub access_hash: [u8; 32],
    /// When the new access token ends; `None` for never.
    pub access_expires_at: Option<Timestamp>,
    /// SHA-256 of the new refresh token.
    #[serde(with = "serde_bytes")]
    pub refresh_hash: [u8; 32],
}
one_part_fact!(SessionRefreshed = 52, Credential, personal: true);

/// A device was in use; at most once an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSeen {
    /// Device id.
    pub device_id: String,
    /// When.
    pub at: Timestamp,
    /// Address of the client, as text.
    pub address: Option<String>,
}
one_part_fact!(DeviceSeen = 53, Device, personal: true);

/// A request with a client transaction id had its effect in other streams.
///
/// Stands in the same batch as that effect, so that a retry is recognized after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTxnRecorded {
    /// Device id.
    pub device_id: String,
    /// Endpoint, by ruma's name (`send_event_to_device`).
    pub endpoint: String,
    /// The client's transaction id.
    pub txn_id: String,
}
one_part_fact!(ClientTxnRecorded = 54, Device, personal: true);
