//! Copying one segment, checked on the way, up to a position.
//!
//! Owns the cut: a copy ends after a whole batch, for a batch is all or nothing. Where the last
//! write holds more than is wanted, its header and trailer are made anew over the batches that
//! stay; entry digests, and so every checkpoint up to there, are not touched (I6).

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use facts::LogPosition;
use sha2::{Digest as _, Sha256};

use super::SegmentPath;
use crate::{
    DamageKind, Digest, ReadFault,
    segment::{
        footer::FOOTER_BYTES,
        scan::{Scan, ScannedEntry, ScannedWrite, Step},
        shelf::scan_closed,
    },
    write::{WRITE_HEADER_BYTES, WriteHeader, assemble},
};

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentCopy {
    /// Position and digest of the last entry; `None` where nothing was within the bound.
    pub last: Option<(LogPosition, Digest)>,
    /// Bytes of the copy.
    pub bytes: u64,
    /// SHA-256 of the copy.
    pub sha256: Digest,
    /// The copy has its footer: no entry will be added to this segment.
    pub closed: bool,
}

/// Why a segment was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// The segment cannot be read, or is damaged.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The copy cannot be written: no space, or no right to.
    #[error("{} could not be written", .to.display())]
    Write {
        /// The copy.
        to: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl From<io::Error> for CopyFault {
    fn from(error: io::Error) -> Self {
        Self::Read(error.into())
    }
}

/// Copies the entries of a segment up to `through`, which is made smaller where it is inside a
/// batch. The file must not be there; it is on the medium when this returns, its name is not.
///
/// Every write is checked by itself and against the one before it. What stands behind `through`
/// is not looked at: a running server may be writing there.
pub fn copy_segment(
    from: &SegmentPath,
    through: LogPosition,
    to: &Path,
) -> Result<SegmentCopy, CopyFault> {
    // All is read through the scan's one handle: a scavenged segment that takes the name meanwhile
    // is not mixed in.
    let mut scan = scan_closed(&from.path, from.first)?;
    let mut copy = Copy::new(to)?;
    loop {
        if copy.ends_at(through) && !next_is_empty_or_footer(&scan, copy.bytes)? {
            break;
        }
        match scan.step()? {
            Step::Write(write) if within(&write, through) => {
                let bytes = scan.raw(write.offset, write.header.write_bytes())?;
                copy.write(&bytes, write.entries.last())?;
            }
            Step::Write(write) => {
                copy.cut(&write, through)?;
                break;
            }
            Step::Footer => {
                let footer = scan.raw(scan.length() - FOOTER_BYTES as u64, FOOTER_BYTES)?;
                copy.write(&footer, None)?;
                copy.closed = true;
                break;
            }
            Step::End => break,
            Step::Torn(_) => {
                return Err(ReadFault::from(scan.damage(DamageKind::WriteBody)).into());
            }
        }
    }
    copy.finish()
}

fn within(write: &ScannedWrite, through: LogPosition) -> bool {
    write.header.first.0 + u64::from(write.header.count) <= through.0.saturating_add(1)
}

/// Behind the last wanted entry there may still be a closing write or the footer, which belong to
/// it; anything else there may be half written.
fn next_is_empty_or_footer(scan: &Scan, at: u64) -> io::Result<bool> {
    if scan.length().saturating_sub(at) == FOOTER_BYTES as u64 {
        return Ok(true);
    }
    let head = scan.raw(at, WRITE_HEADER_BYTES)?;
    Ok(WriteHeader::decode(&head)
        .is_ok_and(|header| header.count == 0 && scan.length() >= at + header.write_bytes() as u64))
}

struct Copy<'a> {
    to: &'a Path,
    file: File,
    sha: Sha256,
    bytes: u64,
    last: Option<(LogPosition, Digest)>,
    closed: bool,
}

impl<'a> Copy<'a> {
    fn new(to: &'a Path) -> Result<Self, CopyFault> {
        let file = OpenOptions::new().write(true).create_new(true).open(to);
        let file = file.map_err(|error| unwritten(to, error))?;
        Ok(Self { to, file, sha: Sha256::new(), bytes: 0, last: None, closed: false })
    }

    fn ends_at(&self, through: LogPosition) -> bool {
        self.last.is_some_and(|(last, _)| last >= through)
    }

    fn write(&mut self, bytes: &[u8], last: Option<&ScannedEntry>) -> Result<(), CopyFault> {
        self.file.write_all(bytes).map_err(|error| unwritten(self.to, error))?;
        self.sha.update(bytes);
        self.bytes += bytes.len() as u64;
        if let Some(entry) = last {
            self.last = Some((entry.frame.header.position, entry.digest));
        }
        Ok(())
    }

    /// The whole batches of a write that are not behind `through`.
    fn cut(&mut self, write: &ScannedWrite, through: LogPosition) -> Result<(), CopyFault> {
        let entries = &write.entries;
        let batch = |index: usize| entries.get(index).map(|entry| entry.frame.header.batch);
        let ends_batch = |index: &usize| batch(*index) != batch(*index + 1);
        let wanted = |index: &usize| entries[*index].frame.header.position <= through;
        let Some(last) = (0..entries.len()).filter(wanted).rfind(ends_batch) else {
            return Ok(());
        };
        let mut frames = Vec::new();
        for entry in &entries[..=last] {
            entry.frame.encode_into(&mut frames);
        }
        let number = |count: usize| u32::try_from(count).map_err(io::Error::other);
        let header = WriteHeader {
            count: number(last + 1)?,
            length: number(frames.len())?,
            ..write.header.clone()
        };
        let bytes = assemble(&header, std::iter::once(frames.as_slice()));
        self.write(&bytes, entries.get(last))
    }

    /// A crash before the sync leaves a copy that nothing names yet.
    fn finish(self) -> Result<SegmentCopy, CopyFault> {
        self.file.sync_all().map_err(|error| unwritten(self.to, error))?;
        Ok(SegmentCopy {
            last: self.last,
            bytes: self.bytes,
            sha256: self.sha.finalize().into(),
            closed: self.closed,
        })
    }
}

fn unwritten(to: &Path, error: io::Error) -> CopyFault {
    CopyFault::Write { to: to.to_owned(), error }
}
