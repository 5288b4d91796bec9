//! The entry header: the part of an entry that is never sealed.
//!
//! Owns the header's fixed binary layout (drawn in `docs/log-format.md`): 72 bytes and 48 more for
//! each part, all integers big-endian. Holds no name and no text.
//! Invariants: I4, I6 (these bytes go into the entry digest and never change).

use crate::{
    Incarnation, KeyEpoch, LogPosition, RecordClass, Revision, StreamId, Timestamp, TreeId,
};

/// The only entry format so far.
pub const ENTRY_FORMAT: u8 = 1;
/// AES-256-GCM with a random nonce, SHA-256, HKDF- and HMAC-SHA-256.
pub const SUITE_1: u8 = 1;
/// An entry has at most this many parts.
pub const PARTS_MAX: usize = 2;
/// Bytes of a header without parts.
pub const HEADER_FIXED_BYTES: usize = 72;
/// Bytes of one part's description in a header.
pub const HEADER_PART_BYTES: usize = 48;
/// A part's clear bytes are at most this many.
pub const PART_BYTES_MAX: usize = 512 * 1024;

/// Description of one part in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// Record class: which of the stream's trees seals it.
    pub class: RecordClass,
    /// The stream's tree for that class. Its leaf is the entry's revision.
    pub stream_tree: TreeId,
    /// The person's tree, or [`TreeId::NONE`]. Its leaf is the day of `recorded_at`.
    pub person_tree: TreeId,
    /// Length of the clear bytes.
    pub length: u32,
    /// c = HMAC-SHA-256(`k_com`, clear bytes).
    pub commitment: [u8; 32],
}

/// The header of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    /// Global index.
    pub position: LogPosition,
    /// The stream to which the entry belongs; its own position if it opens one.
    pub stream: StreamId,
    /// Index within the stream.
    pub revision: Revision,
    /// Incarnation of the log.
    pub incarnation: Incarnation,
    /// Registered number of the fact's type.
    pub fact_type: u16,
    /// Version of the fact's shape.
    pub fact_version: u16,
    /// When the writer recorded it; never less than the previous entry's.
    pub recorded_at: Timestamp,
    /// The key epoch of both trees.
    pub key_epoch: KeyEpoch,
    /// Position of the first entry of the batch that was decided and appended as one.
    pub batch: LogPosition,
    /// Stream of the acting person; stream 0 is the server itself.
    pub actor: StreamId,
    /// The entry that caused this one; 0 for none.
    pub cause: LogPosition,
    /// The parts, at most [`PARTS_MAX`].
    pub parts: Vec<PartHeader>,
}

/// Why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Fewer bytes than the header says it has.
    #[error("entry header is cut short")]
    Short,
    /// A format number of a later version.
    #[error("entry format {0} is not known to this version")]
    UnknownFormat(u8),
    /// A suite number of a later version.
    #[error("sealing suite {0} is not known to this version")]
    UnknownSuite(u8),
    /// A class number of a later version.
    #[error("record class {0} is not known to this version")]
    UnknownClass(u8),
    /// More parts than an entry can have, or reserved bytes that are not zero.
    #[error("entry header is malformed")]
    Malformed,
}

impl EntryHeader {
    /// Bytes of this header when encoded.
    pub fn encoded_len(&self) -> usize {
        HEADER_FIXED_BYTES + self.parts.len() * HEADER_PART_BYTES
    }

    /// The bytes that are written, digested and bound to each sealed part.
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.parts.len() <= PARTS_MAX, "an entry has at most two parts");
        let mut out = Vec::with_capacity(self.encoded_len());
        let part_count = u8::try_from(self.parts.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[ENTRY_FORMAT, SUITE_1, part_count, 0]);
        out.extend_from_slice(&self.position.0.to_be_bytes());
        out.extend_from_slice(&self.stream.0.to_be_bytes());
        out.extend_from_slice(&self.revision.0.to_be_bytes());
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.fact_type.to_be_bytes());
        out.extend_from_slice(&self.fact_version.to_be_bytes());
        out.extend_from_slice(&self.recorded_at.0.to_be_bytes());
        out.extend_from_slice(&self.key_epoch.0.to_be_bytes());
        out.extend_from_slice(&self.batch.0.to_be_bytes());
        out.extend_from_slice(&self.actor.0.to_be_bytes());
        out.extend_from_slice(&self.cause.0.to_be_bytes());
        for part in &self.parts {
            out.extend_from_slice(&[part.class.number(), 0, 0, 0]);
            out.extend_from_slice(&part.stream_tree.0.to_be_bytes());
            out.extend_from_slice(&part.person_tree.0.to_be_bytes());
            out.extend_from_slice(&part.length.to_be_bytes());
            out.extend_from_slice(&part.commitment);
        }
        out
    }

    /// Reads a header from the front of `bytes`; what follows it is left alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut cursor = Cursor { rest: bytes };
        let [format, suite, part_count, reserved] = cursor.take::<4>()?;
        if format != ENTRY_FORMAT {
            return Err(HeaderError::UnknownFormat(format));
        }
        if suite != SUITE_1 {
            return Err(HeaderError::UnknownSuite(suite));
        }
        if usize::from(part_count) > PARTS_MAX || reserved != 0 {
            return Err(HeaderError::Malformed);
        }
        let mut header = Self {
            position: LogPosition(cursor.u64()?),
            stream: StreamId(cursor.u64()?),
            revision: Revision(cursor.u64()?),
            incarnation: Incarnation(cursor.u32()?),
            fact_type: cursor.u16()?,
            fact_version: cursor.u16()?,
            recorded_at: Timestamp(cursor.u64()?),
            key_epoch: KeyEpoch(cursor.u32()?),
            batch: LogPosition(cursor.u64()?),
            actor: StreamId(cursor.u64()?),
            cause: LogPosition(cursor.u64()?),
            parts: Vec::with_capacity(usize::from(part_count)),
        };
        for _ in 0..part_count {
            header.parts.push(cursor.part()?);
        }
        Ok(header)
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(HeaderError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, HeaderError> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, HeaderError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    fn u16(&mut self) -> Result<u16, HeaderError> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    fn part(&mut self) -> Result<PartHeader, HeaderError> {
        let [class, r1, r2, r3] = self.take::<4>()?;
        if [r1, r2, r3] != [0; 3] {
            return Err(HeaderError::Malformed);
        }
        let part = PartHeader {
            class: RecordClass::from_number(class).ok_or(HeaderError::UnknownClass(class))?,
            stream_tree: TreeId(self.u32()?),
            person_tree: TreeId(self.u32()?),
            length: self.u32()?,
            commitment: self.take()?,
        };
        if part.length as usize > PART_BYTES_MAX {
            return Err(HeaderError::Malformed);
        }
        Ok(part)
    }
}
