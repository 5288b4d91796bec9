//! Up to where the index holds the log, as a row.

use facts::{Incarnation, LogId, LogPosition};

use crate::{Digest, fields::Fields};

/// Changes whenever a row's layout does; an index of another layout is dropped.
const LAYOUT: u16 = 3;

/// Up to where the index holds the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexCheckpoint {
    pub(crate) log_id: LogId,
    pub(crate) incarnation: Incarnation,
    pub(crate) position: LogPosition,
    pub(crate) digest: Digest,
    pub(crate) next_tree: u32,
}

impl IndexCheckpoint {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(66);
        out.extend_from_slice(&LAYOUT.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.position.0.to_be_bytes());
        out.extend_from_slice(&self.digest);
        out.extend_from_slice(&self.next_tree.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        if fields.u16()? != LAYOUT {
            return None;
        }
        Some(Self {
            log_id: LogId(fields.array()?),
            incarnation: Incarnation(fields.u32()?),
            position: LogPosition(fields.u64()?),
            digest: fields.array()?,
            next_tree: fields.u32()?,
        })
    }
}
