//! Facts of a person's stream about end-to-end encryption: public keys and sealed backups.
//!
//! Owns device keys, one-time and fallback keys, cross-signing keys, signatures and key backups.
//! The server never holds a private key; all values are the clients' JSON as it came.

use serde::{Deserialize, Serialize};

use super::one_part_fact;

/// A device published its identity keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKeysSet {
    /// Device id.
    pub device_id: String,
    /// JSON of the `DeviceKeys` object.
    #[serde(with = "serde_bytes")]
    pub keys: Vec<u8>,
}
one_part_fact!(DeviceKeysSet = 64, E2eeKey, personal: true);

/// A key with its id (`signed_curve25519:AAAAHQ`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedKey {
    /// Algorithm and key id.
    pub id: String,
    /// JSON of the key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
}

/// A device uploaded one-time keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeKeysAdded {
    /// Device id.
    pub device_id: String,
    /// The keys, in the order of upload.
    pub keys: Vec<NamedKey>,
}
one_part_fact!(OneTimeKeysAdded = 65, E2eeKey, personal: true);

/// A one-time key was handed out, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeKeyClaimed {
    /// Device id.
    pub device_id: String,
    /// Algorithm and key id.
    pub key_id: String,
}
one_part_fact!(OneTimeKeyClaimed = 66, E2eeKey, personal: true);

/// A device replaced its fallback keys, one for each algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackKeysSet {
    /// Device id.
    pub device_id: String,
    /// The keys.
    pub keys: Vec<NamedKey>,
}
one_part_fact!(FallbackKeysSet = 67, E2eeKey, personal: true);

/// A fallback key was handed out for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackKeyUsed {
    /// Device id.
    pub device_id: String,
    /// Algorithm and key id.
    pub key_id: String,
}
one_part_fact!(FallbackKeyUsed = 68, E2eeKey, personal: true);

/// Cross-signing keys were uploaded; `None` keeps the previous one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossSigningKeysSet {
    /// JSON of the master key.
    #[serde(with = "serde_bytes")]
    pub master: Option<Vec<u8>>,
    /// JSON of the self-signing key.
    #[serde(with = "serde_bytes")]
    pub self_signing: Option<Vec<u8>>,
    /// JSON of the user-signing key.
    #[serde(with = "serde_bytes")]
    pub user_signing: Option<Vec<u8>>,
}
one_part_fact!(CrossSigningKeysSet = 69, E2eeKey, personal: true);

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureTarget {
    /// A device's keys, by device id.
    Device(String),
    /// A cross-signing key, by its public key in unpadded base64.
    CrossSigning(String),
}

/// Signatures were added to a key: by the owner in the owner's stream; by another person (their
/// user-signing key) in that other person's stream, who alone sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignaturesAdded {
    /// Owner of the signed key.
    pub user_id: String,
    /// What was signed.
    pub target: SignatureTarget,
    /// JSON object of the new signatures: user id → key id → signature.
    #[serde(with = "serde_bytes")]
    pub signatures: Vec<u8>,
}
one_part_fact!(SignaturesAdded = 70, E2eeKey, personal: true);

/// A key backup version began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupVersionCreated {
    /// Version, counted from 1 for each person.
    pub version: u64,
    /// Backup algorithm.
    pub algorithm: String,
    /// JSON of `auth_data`.
    #[serde(with = "serde_bytes")]
    pub auth_data: Vec<u8>,
}
one_part_fact!(BackupVersionCreated = 80, KeyBackup, personal: true);

/// A backup version has new `auth_data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupVersionUpdated {
    /// Version.
    pub version: u64,
    /// JSON of `auth_data`.
    #[serde(with = "serde_bytes")]
    pub auth_data: Vec<u8>,
}
one_part_fact!(BackupVersionUpdated = 81, KeyBackup, personal: true);

/// A backup version is gone with its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupVersionDeleted {
    /// Version.
    pub version: u64,
}
one_part_fact!(BackupVersionDeleted = 82, KeyBackup, personal: true);

/// A backed-up session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSession {
    /// Room id.
    pub room: String,
    /// Megolm session id.
    pub session_id: String,
    /// JSON of the `KeyBackupData` object.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// Sessions were stored in a backup, replacing those with the same room and session id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupKeysStored {
    /// Version.
    pub version: u64,
    /// The sessions that won against what was there.
    pub sessions: Vec<BackupSession>,
}
one_part_fact!(BackupKeysStored = 83, KeyBackup, personal: true);

/// Sessions were deleted from a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupKeysDeleted {
    /// Version.
    pub version: u64,
    /// Room id; `None` for all rooms.
    pub room: Option<String>,
    /// Session id; `None` for all sessions.
    pub session_id: Option<String>,
}
one_part_fact!(BackupKeysDeleted = 84, KeyBackup, personal: true);
