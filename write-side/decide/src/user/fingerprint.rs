//! Short digests by which the fold recognizes a value without holding it.
//!
//! Owns [`Fingerprint`]: the first 128 bits of SHA-256. Both sides of a comparison come from the
//! same person, so nobody gains by a collision.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of several strings; where one ends counts.
    pub fn of(strings: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in strings {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let (head, _) = digest.split_first_chunk::<16>().expect("a SHA-256 has 32 bytes");
        Self(u128::from_be_bytes(*head))
    }

    /// Of JSON, whatever its white space and order of keys.
    pub fn of_json(json: &[u8]) -> Self {
        let canonical = serde_json::from_slice::<ruma::CanonicalJsonValue>(json)
            .map_or_else(|_| json.to_vec(), |value| value.to_string().into_bytes());
        Self::of(&[&canonical])
    }
}
