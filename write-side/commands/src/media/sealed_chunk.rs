//! The sealed form of a blob: its chunks.
//!
//! Owns the layout (`docs/log-format.md` draws it): 8 bytes of magic, then chunks of 64 KiB of
//! clear bytes, each sealed with AES-256-GCM under the blob's own key. The nonce is the chunk's
//! index, which is safe for a random key that seals exactly one blob; the associated data names
//! the index and whether the chunk is the last, so that chunks can be neither moved, dropped nor
//! cut off unseen. An empty blob is one empty last chunk.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// The first bytes of every blob.
pub(super) const MAGIC: [u8; 8] = *b"CHBLOB\x00\x01";
/// Clear bytes of a chunk; the last may have fewer.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// What sealing adds to a chunk.
pub(super) const TAG_BYTES: usize = 16;

/// A chunk is not what was sealed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tampered;

/// Seals and opens the chunks of one blob.
pub(super) struct ChunkKey(LessSafeKey);

impl ChunkKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Seals in place; appends the tag.
    pub(super) fn seal(&self, index: u64, last: bool, chunk: &mut Vec<u8>) {
        self.0
            .seal_in_place_append_tag(nonce(index), Aad::from(bound_to(index, last)), chunk)
            .expect("a chunk is far below the bound of AES-GCM");
    }

    /// Opens in place; leaves the clear bytes.
    pub(super) fn open(&self, index: u64, last: bool, chunk: &mut Vec<u8>) -> Result<(), Tampered> {
        let clear = self
            .0
            .open_in_place(nonce(index), Aad::from(bound_to(index, last)), chunk)
            .map_err(|_| Tampered)?
            .len();
        chunk.truncate(clear);
        Ok(())
    }
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn bound_to(index: u64, last: bool) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(b"chblob1");
    bytes[7] = u8::from(last);
    bytes[8..].copy_from_slice(&index.to_be_bytes());
    bytes
}
