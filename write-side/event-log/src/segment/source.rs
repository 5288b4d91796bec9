//! Where a scan reads from: a file, piece by piece, or bytes in memory.
//!
//! Owns nothing. A file is read at most one write at a time, so that checking a segment takes the
//! memory of its largest write and not of the segment (I10). The length is taken once: what a
//! running server appends meanwhile is not looked at.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use bytes::Bytes;

/// The bytes of one segment.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file and its length when it was opened.
    File(File, u64),
    /// Bytes in memory.
    Memory(Bytes),
}

impl Source {
    /// Opens a segment's file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = super::freeing::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::File(file, length))
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Up to `wanted` bytes from `offset` on; fewer at the end. The caller bounds `wanted`.
    pub(crate) fn read(&self, offset: u64, wanted: usize) -> io::Result<Bytes> {
        let left = self.length().saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(wanted);
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(start..start + count))
            }
            Self::File(file, _) => {
                let mut out = vec![0; count];
                let mut got = 0;
                while got < count {
                    match file.read_at(&mut out[got..], offset + got as u64) {
                        Ok(0) => break,
                        Ok(n) => got += n,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                // Somebody cut the file meanwhile: then it simply ends here.
                out.truncate(got);
                Ok(Bytes::from(out))
            }
        }
    }
}
