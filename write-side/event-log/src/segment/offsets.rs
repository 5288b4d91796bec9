//! The sidecar of a closed segment: where each entry starts and which key trees occur.
//!
//! Owns `<segment>.idx`, deletable and rebuilt from the segment. Bound to its segment by length
//! and footer, so that a sidecar left behind by a crash during scavenging is not believed.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::scan::ScannedEntry;
use crate::fields::Fields;

const SIDECAR_MAGIC: [u8; 8] = *b"CHOFFS\0\0";

/// Where entries start, and the trees that seal them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    /// Offset of each entry's frame, by position less the segment's first.
    pub(crate) starts: Vec<u32>,
    /// Numbers of all key trees that occur in the segment.
    pub(crate) trees: BTreeSet<u32>,
}

impl Offsets {
    /// Adds an entry that a scan met.
    pub(crate) fn push(&mut self, entry: &ScannedEntry) {
        self.push_at(entry.offset, &entry.frame.header);
    }

    /// Adds an entry by offset and header.
    pub(crate) fn push_at(&mut self, offset: u64, header: &facts::EntryHeader) {
        self.starts.push(u32::try_from(offset).expect("a segment rolls long before 4 GiB"));
        for part in &header.parts {
            self.trees.insert(part.stream_tree.0);
            if part.person_tree.is_some() {
                self.trees.insert(part.person_tree.0);
            }
        }
    }

    /// Writes the sidecar of a segment. A crash halfway leaves one that does not check.
    pub(crate) fn write(&self, segment: &Path, seal: SegmentSeal) -> io::Result<()> {
        let mut out = Vec::with_capacity(64 + self.starts.len() * 4 + self.trees.len() * 4);
        out.extend_from_slice(&SIDECAR_MAGIC);
        out.extend_from_slice(&seal.length.to_be_bytes());
        out.extend_from_slice(&seal.footer_crc.to_be_bytes());
        out.extend_from_slice(&(self.starts.len() as u64).to_be_bytes());
        out.extend_from_slice(&(self.trees.len() as u64).to_be_bytes());
        for number in self.starts.iter().chain(&self.trees) {
            out.extend_from_slice(&number.to_be_bytes());
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        fs::write(sidecar_path(segment), out)
    }

    /// Reads the sidecar of a segment; `None` where there is none that belongs to it.
    pub(crate) fn read(segment: &Path, seal: SegmentSeal) -> Option<Self> {
        let bytes = fs::read(sidecar_path(segment)).ok()?;
        let (covered, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(covered) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut fields = Fields::new(covered);
        let magic: [u8; 8] = fields.array()?;
        let found = SegmentSeal { length: fields.u64()?, footer_crc: fields.u32()? };
        if magic != SIDECAR_MAGIC || found != seal {
            return None;
        }
        let (starts, trees) = (fields.u64()?, fields.u64()?);
        let offsets = Self {
            starts: (0..starts).map(|_| fields.u32()).collect::<Option<_>>()?,
            trees: (0..trees).map(|_| fields.u32()).collect::<Option<_>>()?,
        };
        let ascending = offsets.starts.windows(2).all(|pair| pair[0] < pair[1]);
        (fields.is_empty() && ascending).then_some(offsets)
    }
}

/// What ties a sidecar to one content of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentSeal {
    pub(crate) length: u64,
    pub(crate) footer_crc: u32,
}

impl SegmentSeal {
    /// By the segment's bytes, of which at least the last four are given.
    pub(crate) fn of(length: u64, tail: &[u8]) -> Option<Self> {
        let (_, crc) = tail.split_last_chunk::<4>()?;
        Some(Self { length, footer_crc: u32::from_be_bytes(*crc) })
    }
}

/// Path of a segment's sidecar.
pub(crate) fn sidecar_path(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_of_other_bytes_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let segment = dir.path().join("00000000000000000000.seg");
        let offsets = Offsets { starts: vec![92, 300], trees: BTreeSet::from([1, 5]) };
        let seal = SegmentSeal::of(500, &[0, 1, 2, 3, 4]).unwrap();
        offsets.write(&segment, seal).unwrap();
        assert_eq!(Offsets::read(&segment, seal), Some(offsets));
        let other = SegmentSeal { length: 501, ..seal };
        assert_eq!(Offsets::read(&segment, other), None);
    }
}
