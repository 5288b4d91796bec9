//! The write: header, entry frames, trailer. The unit of durability.
//!
//! Owns the 92-byte write header, the trailer and the write digest. A valid header n+1 proves
//! that write n is whole, for n+1 starts only after the `fdatasync` of n has returned.
//! Invariants: I4, I6 (the write digest is made of entry digests, so that scavenging, which
//! re-makes lengths and CRCs, leaves it as it was).

use facts::{Incarnation, LogId, LogPosition};
use sha2::{Digest as _, Sha256};

use crate::{Digest, fields::Fields};

/// First bytes of every write.
pub(crate) const WRITE_MAGIC: [u8; 8] = *b"CHWRITE\0";
/// The only write format so far.
const WRITE_FORMAT: u16 = 1;
/// Flag of the empty write that a clean shutdown ends with.
pub(crate) const FLAG_CLOSING: u16 = 1;
/// Bytes of a write header.
pub(crate) const WRITE_HEADER_BYTES: usize = 92;
/// Bytes of the trailer.
pub(crate) const WRITE_TRAILER_BYTES: usize = 4;
/// The entry frames of one write are at most this many bytes, whoever wrote them.
pub(crate) const WRITE_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes before the CRC of a header: in every format, those and the four of the CRC.
const CRC_COVERED_BYTES: usize = WRITE_HEADER_BYTES - 4;

/// Why bytes are not the header of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// They never were one, or are not any more.
    Invalid,
    /// A whole header of a format that this version does not know. It may be an acknowledged
    /// write of a later version, so it must never pass for a torn one.
    UnknownFormat,
}

/// The header of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteHeader {
    pub(crate) flags: u16,
    pub(crate) log_id: LogId,
    pub(crate) incarnation: Incarnation,
    pub(crate) sequence: u64,
    pub(crate) first: LogPosition,
    pub(crate) count: u32,
    pub(crate) length: u32,
    pub(crate) previous: Digest,
}

impl WriteHeader {
    /// The 92 bytes, the last four of which are the CRC-32C of those before.
    pub(crate) fn encode(&self) -> [u8; WRITE_HEADER_BYTES] {
        let mut out = Vec::with_capacity(WRITE_HEADER_BYTES);
        out.extend_from_slice(&WRITE_MAGIC);
        out.extend_from_slice(&WRITE_FORMAT.to_be_bytes());
        out.extend_from_slice(&self.flags.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.first.0.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.previous);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out.try_into().expect("the fields above are 92 bytes long together")
    }

    /// The header at the front of `bytes`, if magic, CRC and all fields hold.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let covered = covered_by_crc(bytes).ok_or(HeaderFault::Invalid)?;
        let mut fields = Fields::new(covered.get(WRITE_MAGIC.len()..).unwrap_or_default());
        let (format, flags) = (fields.u16(), fields.u16());
        if format != Some(WRITE_FORMAT) || flags.is_none_or(|flags| flags & !FLAG_CLOSING != 0) {
            return Err(HeaderFault::UnknownFormat);
        }
        Self::decode_fields(flags.unwrap_or_default(), fields).ok_or(HeaderFault::Invalid)
    }

    fn decode_fields(flags: u16, mut fields: Fields<'_>) -> Option<Self> {
        let header = Self {
            flags,
            log_id: LogId(fields.array()?),
            incarnation: Incarnation(fields.u32()?),
            sequence: fields.u64()?,
            first: LogPosition(fields.u64()?),
            count: fields.u32()?,
            length: fields.u32()?,
            previous: fields.array()?,
        };
        let closing = header.flags & FLAG_CLOSING != 0;
        let empty = header.count == 0 && header.length == 0;
        let possible = closing == empty
            && header.length as usize <= WRITE_BODY_BYTES_MAX
            && header.first.0.checked_add(u64::from(header.count)).is_some()
            && header.sequence < u64::MAX;
        possible.then_some(header)
    }

    /// Bytes of the whole write on disk.
    pub(crate) fn write_bytes(&self) -> usize {
        WRITE_HEADER_BYTES + self.length as usize + WRITE_TRAILER_BYTES
    }

    /// The digest that the next write names as its previous one.
    pub(crate) fn digest<'a>(&self, entries: impl Iterator<Item = &'a Digest>) -> Digest {
        let mut sha = Sha256::new();
        sha.update(b"chancery/write/1");
        sha.update(self.log_id.0);
        sha.update(self.incarnation.0.to_be_bytes());
        sha.update(self.sequence.to_be_bytes());
        sha.update(self.first.0.to_be_bytes());
        sha.update(self.count.to_be_bytes());
        sha.update(self.previous);
        for digest in entries {
            sha.update(digest);
        }
        sha.finalize().into()
    }
}

/// What the CRC of a header covers, if magic and CRC hold. The same in every format.
fn covered_by_crc(bytes: &[u8]) -> Option<&[u8]> {
    let (covered, rest) = bytes.split_at_checked(CRC_COVERED_BYTES)?;
    let crc = rest.first_chunk::<4>()?;
    let holds =
        covered.starts_with(&WRITE_MAGIC) && crc32c::crc32c(covered) == u32::from_be_bytes(*crc);
    holds.then_some(covered)
}

/// Puts header, frames and trailer together.
pub(crate) fn assemble<'a>(
    header: &WriteHeader,
    frames: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.write_bytes());
    out.extend_from_slice(&header.encode());
    for frame in frames {
        out.extend_from_slice(frame);
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> WriteHeader {
        WriteHeader {
            flags: FLAG_CLOSING,
            log_id: LogId([7; 16]),
            incarnation: Incarnation(2),
            sequence: 9,
            first: LogPosition(40),
            count: 0,
            length: 0,
            previous: [3; 32],
        }
    }

    #[test]
    fn headers_round_trip_and_every_flipped_bit_is_noticed() {
        let bytes = header().encode();
        assert_eq!(WriteHeader::decode(&bytes), Ok(header()));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(WriteHeader::decode(&damaged), Err(HeaderFault::Invalid), "bit {bit}");
        }
    }

    #[test]
    fn a_whole_header_of_a_later_format_is_not_taken_for_rubbish() {
        for (at, value) in [(9, 2), (11, 2)] {
            let mut bytes = header().encode();
            bytes[at] = value;
            let crc = crc32c::crc32c(&bytes[..CRC_COVERED_BYTES]);
            bytes[CRC_COVERED_BYTES..].copy_from_slice(&crc.to_be_bytes());
            assert_eq!(WriteHeader::decode(&bytes), Err(HeaderFault::UnknownFormat));
        }
    }

    #[test]
    fn the_digest_does_not_cover_lengths() {
        let longer = WriteHeader { length: 5, ..header() };
        assert_eq!(header().digest([].iter()), longer.digest([].iter()));
    }
}
