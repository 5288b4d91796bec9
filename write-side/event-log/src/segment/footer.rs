//! The footer that closes a full segment.
//!
//! Owns its 98 bytes. A valid footer proves that every write before it was durable: it is
//! written only after the `fdatasync` of the last one.

use facts::{Incarnation, LogId, LogPosition};

use crate::{Digest, fields::Fields};

const FOOTER_MAGIC: [u8; 8] = *b"CHFOOT\0\0";
const FOOTER_FORMAT: u16 = 1;
/// Bytes of a footer.
pub(crate) const FOOTER_BYTES: usize = 98;

/// What a closed segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) log_id: LogId,
    /// Incarnation of the segment's last write.
    pub(crate) incarnation: Incarnation,
    pub(crate) first: LogPosition,
    pub(crate) entries: u64,
    pub(crate) writes: u64,
    /// Bytes of the file, this footer included.
    pub(crate) file_length: u64,
    /// Digest of the segment's last write.
    pub(crate) last_write: Digest,
}

impl Footer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_BYTES);
        out.extend_from_slice(&FOOTER_MAGIC);
        out.extend_from_slice(&FOOTER_FORMAT.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.first.0.to_be_bytes());
        out.extend_from_slice(&self.entries.to_be_bytes());
        out.extend_from_slice(&self.writes.to_be_bytes());
        out.extend_from_slice(&self.file_length.to_be_bytes());
        out.extend_from_slice(&self.last_write);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    /// True if a whole footer of a format that this version does not know ends `segment`.
    pub(crate) fn is_of_later_format(tail: &[u8]) -> bool {
        let Some((covered, crc)) = tail.split_last_chunk::<4>() else {
            return false;
        };
        let format = covered.get(FOOTER_MAGIC.len()..).and_then(|rest| Fields::new(rest).u16());
        tail.len() == FOOTER_BYTES
            && covered.starts_with(&FOOTER_MAGIC)
            && crc32c::crc32c(covered) == u32::from_be_bytes(*crc)
            && format != Some(FOOTER_FORMAT)
    }

    /// Reads a footer that is exactly `bytes`.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, crc) = bytes.split_last_chunk::<4>()?;
        let whole = bytes.len() == FOOTER_BYTES && covered.starts_with(&FOOTER_MAGIC);
        if !whole || crc32c::crc32c(covered) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut fields = Fields::new(covered.get(FOOTER_MAGIC.len()..)?);
        if fields.u16()? != FOOTER_FORMAT {
            return None;
        }
        let footer = Self {
            log_id: LogId(fields.array()?),
            incarnation: Incarnation(fields.u32()?),
            first: LogPosition(fields.u64()?),
            entries: fields.u64()?,
            writes: fields.u64()?,
            file_length: fields.u64()?,
            last_write: fields.array()?,
        };
        footer.first.0.checked_add(footer.entries)?;
        Some(footer)
    }

    /// The footer that `tail`, the last bytes of a segment of this length, is; if it holds and
    /// fits the length.
    pub(crate) fn at_end(tail: &[u8], length: u64) -> Option<Self> {
        Self::decode(tail).filter(|footer| footer.file_length == length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footers_round_trip() {
        let footer = Footer {
            log_id: LogId([1; 16]),
            incarnation: Incarnation(3),
            first: LogPosition(5),
            entries: 6,
            writes: 2,
            file_length: FOOTER_BYTES as u64,
            last_write: [9; 32],
        };
        let bytes = footer.encode();
        assert_eq!(bytes.len(), FOOTER_BYTES);
        let length = bytes.len() as u64;
        assert_eq!(Footer::at_end(&bytes, length), Some(footer.clone()));
        assert_eq!(Footer::at_end(&bytes, length + 1), None);
        assert!(!Footer::is_of_later_format(&bytes));
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x40;
            assert_eq!(Footer::at_end(&damaged, length), None, "byte {index}");
            assert!(!Footer::is_of_later_format(&damaged), "byte {index}");
        }
    }
}
