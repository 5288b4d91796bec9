//! Entries as they are shown to somebody who verifies them without the log.
//!
//! Owns the form: the header, the hash of every part (from both the digest follows), and of the
//! parts that are shown the clear bytes with the key under which the header commits to them
//! (LOG.md section 3). Nothing is opened that was not asked for. Invariant: I6.

use bytes::Bytes;
use facts::{EntryHeader, LogPosition};

use crate::{
    Digest, Log, ReadFault,
    frame::{Frame, StoredPart},
    shared::Shared,
};

/// What is shown of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: it was not asked for.
    Withheld,
    /// Nothing: a key is destroyed, or ordered so.
    Destroyed,
    /// Its clear bytes.
    Clear {
        /// The bytes.
        bytes: Bytes,
        /// `k_com`: HMAC-SHA-256 of the bytes under it is the header's commitment.
        key: [u8; 32],
    },
}

/// A part of a disclosed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosedPart {
    /// h of the part: what the entry digest covers.
    pub hash: Digest,
    /// What is shown of it.
    pub shown: Shown,
}

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// Its header.
    pub header: EntryHeader,
    /// Its parts, in order.
    pub parts: Vec<DisclosedPart>,
}

impl Disclosure {
    /// The clear bytes of the parts; `None` for one that is not shown.
    pub fn clear(&self) -> Vec<Option<&[u8]>> {
        self.parts
            .iter()
            .map(|part| match &part.shown {
                Shown::Clear { bytes, .. } => Some(&bytes[..]),
                Shown::Withheld | Shown::Destroyed => None,
            })
            .collect()
    }
}

impl Log {
    /// Entries in order from a position on, as [`Log::read_raw_range`] bounds them; those that
    /// `wanted` names by their header are opened, of the others nothing is shown.
    pub fn disclose_range(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
        wanted: &dyn Fn(&EntryHeader) -> bool,
    ) -> Result<Vec<Disclosure>, ReadFault> {
        self.walk(from, max_entries, max_bytes, |frame| {
            let opened = wanted(&frame.header);
            self.shared.disclose(frame, opened)
        })
    }
}

impl Shared {
    fn disclose(&self, frame: Frame, opened: bool) -> Result<Disclosure, ReadFault> {
        let hashes: Vec<Digest> = frame.parts.iter().map(StoredPart::hash).collect();
        if !opened {
            let part = |hash| DisclosedPart { hash, shown: Shown::Withheld };
            let parts = hashes.into_iter().map(part).collect();
            return Ok(Disclosure { header: frame.header, parts });
        }
        let encoded = frame.header.encode();
        let mut parts = Vec::with_capacity(hashes.len());
        for ((number, stored), hash) in (1..).zip(&frame.parts).zip(hashes) {
            let shown = match self.open_part(&frame.header, &encoded, number, stored)? {
                Some((clear, keys)) => {
                    Shown::Clear { bytes: clear.into(), key: *keys.commitment_key() }
                }
                None => Shown::Destroyed,
            };
            parts.push(DisclosedPart { hash, shown });
        }
        Ok(Disclosure { header: frame.header, parts })
    }
}
