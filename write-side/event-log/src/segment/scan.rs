//! Reading one segment from its front, write by write, and checking all of it.
//!
//! Owns the rule that tells a torn last write from damage: what does not check is torn only if
//! it is the end of the last segment and no valid later write header and no footer follows.
//! Recovery, the scrub, scavenging, index building and `verify` all read through this (I7).

use std::io;

use bytes::Bytes;
use facts::{FactBody as _, Incarnation, LogId, LogPosition, fact};

use super::{
    footer::{FOOTER_BYTES, Footer},
    source::Source,
};
use crate::{
    Damage, DamageKind, Digest, ReadFault,
    frame::Frame,
    write::{HeaderFault, WRITE_HEADER_BYTES, WRITE_MAGIC, WRITE_TRAILER_BYTES, WriteHeader},
};

/// What the next write must go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainPoint {
    /// `None` before the first write of the log.
    pub(crate) log_id: Option<LogId>,
    pub(crate) incarnation: Incarnation,
    pub(crate) sequence: u64,
    pub(crate) next: LogPosition,
    pub(crate) previous: Digest,
}

impl ChainPoint {
    /// Before the first write of a log.
    pub(crate) const START: Self = Self {
        log_id: None,
        incarnation: Incarnation(1),
        sequence: 0,
        next: LogPosition(0),
        previous: [0; 32],
    };

    /// After this write.
    pub(crate) fn after(header: &WriteHeader, digest: Digest) -> Self {
        Self {
            log_id: Some(header.log_id),
            incarnation: header.incarnation,
            // Decoding a header refuses numbers that would overflow here.
            sequence: header.sequence.saturating_add(1),
            next: LogPosition(header.first.0.saturating_add(u64::from(header.count))),
            previous: digest,
        }
    }
}

/// An entry as the scan met it.
#[derive(Clone, Debug)]
pub(crate) struct ScannedEntry {
    /// Offset of the frame's length field in the file.
    pub(crate) offset: u64,
    pub(crate) frame: Frame,
    pub(crate) digest: Digest,
}

/// A write that checks.
#[derive(Clone, Debug)]
pub(crate) struct ScannedWrite {
    pub(crate) header: WriteHeader,
    pub(crate) offset: u64,
    pub(crate) digest: Digest,
    pub(crate) entries: Vec<ScannedEntry>,
}

/// One step of a scan.
#[derive(Debug)]
pub(crate) enum Step {
    /// A write that checks and goes on from the one before.
    Write(ScannedWrite),
    /// The segment's end, a footer that fits what was read.
    Footer,
    /// The segment's end without a footer.
    End,
    /// The last write of the log is not whole; it starts at this offset.
    Torn(u64),
}

/// Searched at once for a later header.
const SEARCH_BYTES: usize = 1024 * 1024;

/// A scan over the bytes of one segment.
pub(crate) struct Scan {
    name: String,
    source: Source,
    offset: u64,
    first: LogPosition,
    writes: u64,
    chain: ChainPoint,
    last: bool,
}

impl Scan {
    /// Starts at the segment's front. `last`: whether a torn tail is possible.
    pub(crate) fn new(first: LogPosition, source: Source, chain: ChainPoint, last: bool) -> Self {
        Self { name: super::file_name(first), source, offset: 0, first, writes: 0, chain, last }
    }

    /// From here on the end of the segment may be a torn write, as in the log's last one.
    pub(crate) fn may_be_torn(&mut self) {
        self.last = true;
    }

    /// Bytes of the segment as they are, from the file that the scan reads.
    pub(crate) fn raw(&self, offset: u64, wanted: usize) -> io::Result<Bytes> {
        self.source.read(offset, wanted)
    }

    /// Where the log stands after what has been read.
    pub(crate) fn chain(&self) -> &ChainPoint {
        &self.chain
    }

    /// Writes read so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// Bytes of the segment.
    pub(crate) fn length(&self) -> u64 {
        self.source.length()
    }

    /// The next write, or how the segment ends. Not to be called again after an end.
    pub(crate) fn step(&mut self) -> Result<Step, ReadFault> {
        if self.writes == 0 && self.chain.next != self.first {
            return Err(self.damage(DamageKind::Segment).into());
        }
        let left = self.length().saturating_sub(self.offset);
        if left == 0 {
            return Ok(Step::End);
        }
        if left == FOOTER_BYTES as u64 {
            let tail = self.source.read(self.offset, FOOTER_BYTES)?;
            if let Some(footer) = Footer::at_end(&tail, self.length()) {
                return Ok(self.check_footer(&footer).map(|()| Step::Footer)?);
            }
            if Footer::is_of_later_format(&tail) {
                return Err(self.damage(DamageKind::UnknownFormat).into());
            }
        }
        match self.read_write()? {
            Ok(write) => {
                self.offset += write.header.write_bytes() as u64;
                self.writes += 1;
                self.chain = ChainPoint::after(&write.header, write.digest);
                Ok(Step::Write(write))
            }
            Err(kind) => self.torn_or_damaged(kind),
        }
    }

    /// Reads all that is left and calls `visit` for every write; answers how the segment ends.
    pub(crate) fn run<E: From<ReadFault>>(
        &mut self,
        mut visit: impl FnMut(ScannedWrite) -> Result<(), E>,
    ) -> Result<Step, E> {
        loop {
            match self.step()? {
                Step::Write(write) => visit(write)?,
                end => return Ok(end),
            }
        }
    }

    /// A fault at the present offset.
    pub(crate) fn damage(&self, kind: DamageKind) -> Damage {
        Damage { segment: self.name.clone(), offset: self.offset, position: self.chain.next, kind }
    }

    fn read_write(&self) -> io::Result<Result<ScannedWrite, DamageKind>> {
        let head = self.source.read(self.offset, WRITE_HEADER_BYTES)?;
        let header = match WriteHeader::decode(&head) {
            Ok(header) => header,
            Err(HeaderFault::Invalid) => return Ok(Err(DamageKind::WriteHeader)),
            Err(HeaderFault::UnknownFormat) => return Ok(Err(DamageKind::UnknownFormat)),
        };
        if let Err(kind) = self.check_chain(&header) {
            return Ok(Err(kind));
        }
        // The header bounds the length, so a damaged one cannot ask for much memory.
        let whole = self.source.read(self.offset, header.write_bytes())?;
        Ok(self.check_write(header, &whole))
    }

    fn check_write(&self, header: WriteHeader, whole: &Bytes) -> Result<ScannedWrite, DamageKind> {
        let (covered, crc) =
            whole.split_last_chunk::<WRITE_TRAILER_BYTES>().ok_or(DamageKind::WriteBody)?;
        let holds = whole.len() == header.write_bytes()
            && crc32c::crc32c(covered) == u32::from_be_bytes(*crc);
        if !holds {
            return Err(DamageKind::WriteBody);
        }
        let frames = whole.slice(WRITE_HEADER_BYTES..covered.len());
        let entries = self.read_frames(&header, frames)?;
        let forks = entries.first().is_some_and(|entry| {
            let header = &entry.frame.header;
            header.stream.0 == 0 && header.fact_type == fact::LogForked::TYPE
        });
        if header.incarnation != self.chain.incarnation && !forks {
            return Err(DamageKind::Chain);
        }
        let digest = header.digest(entries.iter().map(|entry| &entry.digest));
        Ok(ScannedWrite { offset: self.offset, header, digest, entries })
    }

    fn read_frames(
        &self,
        header: &WriteHeader,
        mut frames: Bytes,
    ) -> Result<Vec<ScannedEntry>, DamageKind> {
        let mut offset = self.offset + WRITE_HEADER_BYTES as u64;
        let mut entries = Vec::new();
        while !frames.is_empty() {
            let (frame, taken) = Frame::read_front(&frames).ok_or(DamageKind::EntryFrame)?;
            let position = header.first.0.checked_add(entries.len() as u64);
            if Some(frame.header.position.0) != position
                || frame.header.incarnation != header.incarnation
            {
                return Err(DamageKind::Position);
            }
            let digest = frame.digest();
            entries.push(ScannedEntry { offset, frame, digest });
            offset += taken as u64;
            frames = frames.slice(taken..);
        }
        if entries.len() != header.count as usize {
            return Err(DamageKind::EntryFrame);
        }
        Ok(entries)
    }

    fn check_chain(&self, header: &WriteHeader) -> Result<(), DamageKind> {
        let chain = &self.chain;
        if chain.log_id.is_some_and(|log_id| log_id != header.log_id) {
            return Err(DamageKind::LogId);
        }
        if header.first != chain.next {
            return Err(DamageKind::Position);
        }
        let raised = Some(header.incarnation.0) == chain.incarnation.0.checked_add(1);
        let follows = header.sequence == chain.sequence
            && header.previous == chain.previous
            && (header.incarnation == chain.incarnation || raised);
        follows.then_some(()).ok_or(DamageKind::Chain)
    }

    fn check_footer(&self, footer: &Footer) -> Result<(), Damage> {
        let fits = self.chain.log_id == Some(footer.log_id)
            && footer.incarnation == self.chain.incarnation
            && footer.first == self.first
            && Some(footer.entries) == self.chain.next.0.checked_sub(self.first.0)
            && footer.writes == self.writes
            && footer.last_write == self.chain.previous;
        fits.then_some(()).ok_or_else(|| self.damage(DamageKind::Footer))
    }

    /// A torn write is the end of the log and has an invalid body or header; a write that is
    /// whole but does not follow from the one before was never torn, and neither was one of a
    /// later format.
    fn torn_or_damaged(&self, kind: DamageKind) -> Result<Step, ReadFault> {
        let can_be_torn = matches!(kind, DamageKind::WriteHeader | DamageKind::WriteBody);
        if self.last && can_be_torn && !self.has_footer()? && !self.later_header_follows()? {
            return Ok(Step::Torn(self.offset));
        }
        Err(self.damage(kind).into())
    }

    fn has_footer(&self) -> io::Result<bool> {
        let at = self.length().saturating_sub(FOOTER_BYTES as u64);
        let tail = self.source.read(at, FOOTER_BYTES)?;
        Ok(Footer::at_end(&tail, self.length()).is_some() || Footer::is_of_later_format(&tail))
    }

    fn later_header_follows(&self) -> io::Result<bool> {
        let mut at = self.offset + 1;
        while at < self.length() {
            // Overlapping, so that a header across two pieces is met in the second one.
            let piece = self.source.read(at, SEARCH_BYTES + WRITE_HEADER_BYTES)?;
            if self.has_later_header(&piece) {
                return Ok(true);
            }
            at += SEARCH_BYTES as u64;
        }
        Ok(false)
    }

    fn has_later_header(&self, piece: &[u8]) -> bool {
        piece
            .windows(WRITE_MAGIC.len())
            .enumerate()
            .filter(|(_, window)| *window == WRITE_MAGIC)
            .any(|(at, _)| match WriteHeader::decode(&piece[at..]) {
                Ok(header) => {
                    let same_log = self.chain.log_id.is_none_or(|id| id == header.log_id);
                    same_log && header.sequence > self.chain.sequence
                }
                Err(HeaderFault::UnknownFormat) => true,
                Err(HeaderFault::Invalid) => false,
            })
    }
}
