//! The frame of one entry inside a write: length, states of the parts, header, sealed parts.
//!
//! Owns the frame's layout and the entry digest. A part is either sealed
//! (nonce ‖ ciphertext ‖ tag) or, after scavenging, the 32-byte hash of those bytes.
//! Invariants: I6 (the digest is the same for a sealed and for a scavenged part).

use bytes::Bytes;
use facts::{EntryHeader, PARTS_MAX};

use crate::{
    Digest,
    fields::Fields,
    seal::{SEALED_OVERHEAD, entry_digest, part_hash},
};

/// Bytes of the length field before a frame.
pub(crate) const FRAME_LENGTH_BYTES: usize = 4;

const STATE_SEALED: u8 = 0;
const STATE_SCAVENGED: u8 = 1;

/// A part as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredPart {
    /// nonce ‖ ciphertext ‖ tag.
    Sealed(Bytes),
    /// The ciphertext is gone; this is its hash.
    Scavenged(Digest),
}

impl StoredPart {
    /// h of this part: what the entry digest covers.
    pub(crate) fn hash(&self) -> Digest {
        match self {
            Self::Sealed(bytes) => part_hash(bytes),
            Self::Scavenged(hash) => *hash,
        }
    }
}

/// An entry as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) header: EntryHeader,
    pub(crate) parts: Vec<StoredPart>,
}

/// Bytes of the frame of an entry whose parts are all sealed, with its length field.
pub(crate) fn sealed_frame_bytes(parts: impl Iterator<Item = usize>) -> usize {
    let fixed = FRAME_LENGTH_BYTES + PARTS_MAX + facts::HEADER_FIXED_BYTES;
    fixed + parts.map(|length| facts::HEADER_PART_BYTES + SEALED_OVERHEAD + length).sum::<usize>()
}

/// Appends the frame of an entry whose parts `write_parts` seals straight into it.
pub(crate) fn write_sealed_frame(
    out: &mut Vec<u8>,
    header: &[u8],
    write_parts: impl FnOnce(&mut Vec<u8>),
) {
    write_frame(out, [STATE_SEALED; PARTS_MAX], header, write_parts);
}

fn write_frame(
    out: &mut Vec<u8>,
    states: [u8; PARTS_MAX],
    header: &[u8],
    write_parts: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_LENGTH_BYTES]);
    out.extend_from_slice(&states);
    out.extend_from_slice(header);
    write_parts(out);
    let length = u32::try_from(out.len() - start - FRAME_LENGTH_BYTES)
        .expect("a frame is two parts of at most 512 KiB and a small header");
    out[start..start + FRAME_LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
}

impl Frame {
    /// Bytes of the frame on disk.
    pub(crate) fn stored_bytes(&self) -> usize {
        let parts = self.parts.iter().map(|part| match part {
            StoredPart::Sealed(bytes) => bytes.len(),
            StoredPart::Scavenged(hash) => hash.len(),
        });
        FRAME_LENGTH_BYTES + PARTS_MAX + self.header.encoded_len() + parts.sum::<usize>()
    }

    /// The entry digest: SHA-256 of the header and of every part's hash.
    pub(crate) fn digest(&self) -> Digest {
        let hashes: Vec<Digest> = self.parts.iter().map(StoredPart::hash).collect();
        entry_digest(&self.header.encode(), &hashes)
    }

    /// Appends the frame, length field first.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        let mut states = [STATE_SEALED; PARTS_MAX];
        for (state, part) in states.iter_mut().zip(&self.parts) {
            if matches!(part, StoredPart::Scavenged(_)) {
                *state = STATE_SCAVENGED;
            }
        }
        write_frame(out, states, &self.header.encode(), |out| {
            for part in &self.parts {
                match part {
                    StoredPart::Sealed(bytes) => out.extend_from_slice(bytes),
                    StoredPart::Scavenged(hash) => out.extend_from_slice(hash),
                }
            }
        });
    }

    /// Reads the bytes after the length field. `None` where they are not exactly one frame.
    pub(crate) fn decode(body: &Bytes) -> Option<Self> {
        let mut fields = Fields::new(body);
        let states: [u8; PARTS_MAX] = fields.array()?;
        let header = EntryHeader::decode(body.get(PARTS_MAX..)?).ok()?;
        fields.slice(header.encoded_len())?;
        let mut parts = Vec::with_capacity(header.parts.len());
        for (part, state) in header.parts.iter().zip(states) {
            parts.push(match state {
                STATE_SEALED => {
                    let sealed = fields.slice(part.length as usize + SEALED_OVERHEAD)?;
                    StoredPart::Sealed(body.slice_ref(sealed))
                }
                STATE_SCAVENGED => StoredPart::Scavenged(fields.array()?),
                _ => return None,
            });
        }
        let unused_states_are_zero = states.iter().skip(parts.len()).all(|state| *state == 0);
        (fields.is_empty() && unused_states_are_zero).then_some(Self { header, parts })
    }

    /// Reads a frame from the front of `bytes`; answers it with the bytes it takes.
    pub(crate) fn read_front(bytes: &Bytes) -> Option<(Self, usize)> {
        let length = Fields::new(bytes).u32()? as usize;
        let end = FRAME_LENGTH_BYTES.checked_add(length)?;
        if end > bytes.len() {
            return None;
        }
        Some((Self::decode(&bytes.slice(FRAME_LENGTH_BYTES..end))?, end))
    }
}
