//! Sealing of an entry's parts, and the digest of an entry (suite 1).
//!
//! Owns the derivation of a part's keys, its commitment, its sealed form and the entry digest
//! (LOG.md sections 3 and 5). Golden: `tests/golden/keys_v1.txt`. Invariant: I6 (a digest covers
//! ciphertext hashes, so it still computes when a part's ciphertext is gone).
//! Never decides who may read: without both leaf keys there is nothing to open.
//!
//! Order for a writer: derive the keys of each part, commit, put the commitments into the header,
//! encode it, seal each part with it, hash, digest.

use std::sync::LazyLock;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};
use facts::{HEADER_FIXED_BYTES, HEADER_PART_BYTES, Incarnation, LogId, LogPosition, PARTS_MAX};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::keys::LeafKey;

/// Bytes of a nonce, which stands before the ciphertext.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a tag, which stands after it.
pub const TAG_BYTES: usize = 16;
/// How much longer a sealed part is than its clear form.
pub const SEALED_OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

/// An encoded header is at most this long.
const HEADER_BYTES_MAX: usize = HEADER_FIXED_BYTES + PARTS_MAX * HEADER_PART_BYTES;
const KEY_BYTES: usize = 32;
const ENTRY_DOMAIN: &[u8] = b"chancery/entry/1";

static PART_KEY_SALT: LazyLock<hkdf::Salt> =
    LazyLock::new(|| hkdf::Salt::new(hkdf::HKDF_SHA256, b"chancery/part-key/1"));

/// Where a part stands: what makes its keys its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPlace {
    /// The log.
    pub log_id: LogId,
    /// Incarnation in the entry's header.
    pub incarnation: Incarnation,
    /// The entry.
    pub position: LogPosition,
    /// Number of the part, counted from 1.
    pub part: u8,
}

/// Why a sealed part gives no clear bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than a nonce and a tag, or under a header that is longer than headers are.
    #[error("sealed part or its header has an impossible length")]
    Length,
    /// The keys, the header, the part number or the bytes are not those that were sealed.
    #[error("sealed part does not open under its keys and header")]
    Sealed,
    /// It opens, but the header commits to other clear bytes.
    #[error("clear part is not what the header commits to")]
    Commitment,
}

/// The keys of one part.
pub struct PartKeys {
    part: u8,
    cipher: LessSafeKey,
    committer: hmac::Key,
    commitment_key: Zeroizing<[u8; KEY_BYTES]>,
}

/// Length of the output of the part-key derivation.
struct PartKeyBytes;

impl hkdf::KeyType for PartKeyBytes {
    fn len(&self) -> usize {
        2 * KEY_BYTES
    }
}

impl PartKeys {
    /// Derives a part's keys from its two factors; `person` is `None` for a part of no person.
    pub fn derive(stream: &LeafKey, person: Option<&LeafKey>, place: &PartPlace) -> Self {
        assert!((1..=PARTS_MAX).contains(&usize::from(place.part)), "parts are counted from 1");
        let mut factors = Zeroizing::new([0; 2 * KEY_BYTES]);
        factors[..KEY_BYTES].copy_from_slice(stream.bytes());
        if let Some(person) = person {
            factors[KEY_BYTES..].copy_from_slice(person.bytes());
        }
        let mut info = [0; 29];
        info[..16].copy_from_slice(&place.log_id.0);
        info[16..20].copy_from_slice(&place.incarnation.0.to_be_bytes());
        info[20..28].copy_from_slice(&place.position.0.to_be_bytes());
        info[28] = place.part;

        let mut keys = Zeroizing::new([0; 2 * KEY_BYTES]);
        PART_KEY_SALT
            .extract(&*factors)
            .expand(&[&info], PartKeyBytes)
            .and_then(|output| output.fill(&mut *keys))
            .expect("HKDF-SHA-256 gives up to 8,160 bytes");
        Self::from_bytes(place.part, &keys)
    }

    fn from_bytes(part: u8, keys: &[u8; 2 * KEY_BYTES]) -> Self {
        let (encryption, commitment) = keys.split_at(KEY_BYTES);
        let cipher = UnboundKey::new(&AES_256_GCM, encryption)
            .expect("AES-256-GCM takes every key of 32 bytes");
        let mut commitment_key = Zeroizing::new([0; KEY_BYTES]);
        commitment_key.copy_from_slice(commitment);
        Self {
            part,
            cipher: LessSafeKey::new(cipher),
            committer: hmac::Key::new(hmac::HMAC_SHA256, commitment),
            commitment_key,
        }
    }

    /// `k_com`: with it anybody can check clear bytes against the commitment in the header.
    pub fn commitment_key(&self) -> &[u8; KEY_BYTES] {
        &self.commitment_key
    }

    /// c = HMAC-SHA-256(`k_com`, clear bytes).
    pub fn commit(&self, clear: &[u8]) -> [u8; 32] {
        let mut commitment = [0; 32];
        commitment.copy_from_slice(hmac::sign(&self.committer, clear).as_ref());
        commitment
    }

    /// Appends the sealed part to `out`: nonce ‖ ciphertext ‖ tag.
    ///
    /// `header` is the encoded header of the entry. The nonce is random, and used once.
    pub fn seal(&self, header: &[u8], nonce: [u8; NONCE_BYTES], clear: &[u8], out: &mut Vec<u8>) {
        let bound = BoundData::new(header, self.part)
            .expect("a header has a fixed part and at most two part descriptions");
        out.reserve(clear.len() + SEALED_OVERHEAD);
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.resize(start + clear.len() + TAG_BYTES, 0);
        let (ciphertext, tag) = out[start..].split_at_mut(clear.len());
        self.cipher
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound.bytes()),
                clear,
                ciphertext,
                &[],
                tag,
            )
            .expect("AES-256-GCM seals whatever is below 64 GiB");
    }

    /// Appends the clear bytes to `out` if they are what was sealed and what `commitment` says.
    /// On an error `out` is as it was.
    pub fn open(
        &self,
        header: &[u8],
        commitment: &[u8; 32],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let bound = BoundData::new(header, self.part).ok_or(OpenError::Length)?;
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Length)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(OpenError::Length)?;
        let start = out.len();
        out.resize(start + ciphertext.len(), 0);
        let clear = &mut out[start..];
        let checked = self
            .cipher
            .open_separate_gather(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(bound.bytes()),
                ciphertext,
                tag,
                clear,
            )
            .map_err(|_| OpenError::Sealed)
            .and_then(|()| {
                hmac::verify(&self.committer, clear, commitment).map_err(|_| OpenError::Commitment)
            });
        if checked.is_err() {
            clear.zeroize();
            out.truncate(start);
        }
        checked
    }
}

/// What a sealed part is bound to: encoded header ‖ part number.
struct BoundData {
    bytes: [u8; HEADER_BYTES_MAX + 1],
    length: usize,
}

impl BoundData {
    fn new(header: &[u8], part: u8) -> Option<Self> {
        let mut bytes = [0; HEADER_BYTES_MAX + 1];
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        bytes[..header.len()].copy_from_slice(header);
        bytes[header.len()] = part;
        Some(Self { bytes, length: header.len() + 1 })
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Whether clear bytes are what a header commits to, by the part's disclosed `k_com`.
pub fn commits_to(commitment_key: &[u8; KEY_BYTES], clear: &[u8], commitment: &[u8; 32]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, commitment_key);
    hmac::verify(&key, clear, commitment).is_ok()
}

/// h = SHA-256(nonce ‖ ciphertext ‖ tag), which stands for a part whose ciphertext is gone.
pub fn part_hash(sealed: &[u8]) -> [u8; 32] {
    Sha256::digest(sealed).into()
}

/// SHA-256("chancery/entry/1" ‖ encoded header ‖ `h_1` ‖ … ‖ `h_n`).
pub fn entry_digest(header: &[u8], part_hashes: &[[u8; 32]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(ENTRY_DOMAIN);
    hasher.update(header);
    for hash in part_hashes {
        hasher.update(hash);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = &[1; HEADER_BYTES_MAX];
    const CLEAR: &[u8] = b"what was said";

    fn place() -> PartPlace {
        PartPlace {
            log_id: LogId([3; 16]),
            incarnation: Incarnation(1),
            position: LogPosition(99),
            part: 1,
        }
    }

    fn stream() -> LeafKey {
        LeafKey::from_bytes([5; 32])
    }

    fn sealed() -> (Vec<u8>, [u8; 32]) {
        let keys = PartKeys::derive(&stream(), None, &place());
        let mut out = Vec::new();
        keys.seal(HEADER, [7; NONCE_BYTES], CLEAR, &mut out);
        (out, keys.commit(CLEAR))
    }

    #[test]
    fn what_was_sealed_opens_and_is_appended() {
        let (sealed, commitment) = sealed();
        assert_eq!(sealed.len(), CLEAR.len() + SEALED_OVERHEAD);
        let mut out = b"before ".to_vec();
        let keys = PartKeys::derive(&stream(), None, &place());
        keys.open(HEADER, &commitment, &sealed, &mut out).unwrap();
        assert_eq!(out, b"before what was said");
    }

    #[test]
    fn an_empty_part_seals_too() {
        let keys = PartKeys::derive(&stream(), None, &place());
        let mut sealed = Vec::new();
        keys.seal(HEADER, [7; NONCE_BYTES], b"", &mut sealed);
        let mut out = Vec::new();
        keys.open(HEADER, &keys.commit(b""), &sealed, &mut out).unwrap();
        assert!(out.is_empty());
    }

    #[test]
    fn every_input_of_the_derivation_matters() {
        let (sealed, commitment) = sealed();
        let zeros = LeafKey::from_bytes([0; 32]);
        let other = LeafKey::from_bytes([6; 32]);
        let same = place();
        let cases = [
            (&stream(), Some(&other), same),
            (&other, None, same),
            (&zeros, Some(&stream()), same),
            (&stream(), None, PartPlace { part: 2, ..same }),
            (&stream(), None, PartPlace { position: LogPosition(98), ..same }),
            (&stream(), None, PartPlace { incarnation: Incarnation(2), ..same }),
            (&stream(), None, PartPlace { log_id: LogId([4; 16]), ..same }),
        ];
        for (stream, person, place) in cases {
            let mut out = b"kept".to_vec();
            let keys = PartKeys::derive(stream, person, &place);
            let refused = keys.open(HEADER, &commitment, &sealed, &mut out);
            assert_eq!(refused, Err(OpenError::Sealed), "{place:?}");
            assert_eq!(out, b"kept");
        }
    }

    #[test]
    fn no_bit_can_be_flipped() {
        let (sealed, commitment) = sealed();
        let keys = PartKeys::derive(&stream(), None, &place());
        for bit in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused = keys.open(HEADER, &commitment, &bytes, &mut Vec::new());
            assert_eq!(refused, Err(OpenError::Sealed), "bit {bit}");
        }
        for bit in 0..HEADER.len() * 8 {
            let mut header = HEADER.to_vec();
            header[bit / 8] ^= 1 << (bit % 8);
            let refused = keys.open(&header, &commitment, &sealed, &mut Vec::new());
            assert_eq!(refused, Err(OpenError::Sealed), "header bit {bit}");
        }
        let mut other = commitment;
        other[31] ^= 1;
        let mut out = Vec::new();
        assert_eq!(keys.open(HEADER, &other, &sealed, &mut out), Err(OpenError::Commitment));
        assert!(out.is_empty());
    }

    #[test]
    fn impossible_lengths_are_named() {
        let (sealed, commitment) = sealed();
        let keys = PartKeys::derive(&stream(), None, &place());
        let mut out = Vec::new();
        for short in [&sealed[..0], &sealed[..11], &sealed[..27]] {
            let refused = keys.open(HEADER, &commitment, short, &mut out);
            assert_eq!(refused, Err(OpenError::Length));
        }
        let long = [1; HEADER_BYTES_MAX + 1];
        let refused = keys.open(&long, &commitment, &sealed, &mut out);
        assert_eq!(refused, Err(OpenError::Length));
    }

    #[test]
    fn a_digest_binds_header_and_every_part_in_order() {
        let (a, b) = ([1; 32], [2; 32]);
        let digest = entry_digest(HEADER, &[a, b]);
        assert_ne!(digest, entry_digest(HEADER, &[b, a]));
        assert_ne!(digest, entry_digest(HEADER, &[a]));
        assert_ne!(digest, entry_digest(&HEADER[1..], &[a, b]));
    }
}
