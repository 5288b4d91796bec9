//! Facts of an uploader's stream about media.
//!
//! Owns media reservation and storage facts. Blobs live outside of the log, sealed under a random
//! key that stands here alone and in clear events that refer to the blob (LOG section 9).

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::Timestamp;

/// A media id was reserved for a later upload (spec: asynchronous uploads).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaReserved {
    /// Media id.
    pub media_id: String,
    /// When the reservation ends.
    pub expires_at: Timestamp,
}
one_part_fact!(MediaReserved = 112, Media, personal: true);

/// A blob is stored and fsynced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaStored {
    /// Media id.
    pub media_id: String,
    /// Random name of the blob in the media store.
    pub blob: String,
    /// The blob's random 256-bit key.
    #[serde(with = "serde_bytes")]
    pub blob_key: [u8; 32],
    /// Length of the clear bytes.
    pub bytes: u64,
    /// SHA-256 of the clear bytes.
    #[serde(with = "serde_bytes")]
    pub sha256: [u8; 32],
    /// Content type that the uploader named.
    pub content_type: Option<String>,
    /// File name that the uploader named.
    pub file_name: Option<String>,
}
one_part_fact!(MediaStored = 113, Media, personal: true);
