//! Facts of the audit trail about exports.
//!
//! Owns the beginning of an export, whose position is its number, and its seal. What was read in
//! between is in `ContentAccessed` facts, whose cause is the export. Never holds content.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::LogPosition;

/// An export of a case begins: nothing was read yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStarted {
    /// The case that allows it.
    pub case: LogPosition,
    /// In which form it will be written.
    pub format: String,
    /// First position of the stretch of the log that it proves.
    pub first: LogPosition,
    /// The position after the last one.
    pub end: LogPosition,
    /// User id of whoever exports.
    pub user: String,
    /// The exporter's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(ExportStarted = 181, Audit, personal: false);

/// The manifest of an export is about to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSealed {
    /// The case that allows it.
    pub case: LogPosition,
    /// The export: position of its beginning.
    pub export: LogPosition,
    /// SHA-256 of the manifest's text.
    #[serde(with = "serde_bytes")]
    pub manifest_sha256: [u8; 32],
    /// Files that the manifest covers.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// User id of whoever exports.
    pub user: String,
    /// The exporter's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(ExportSealed = 182, Audit, personal: false);
