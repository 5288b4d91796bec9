//! `log verify`: reading everything, without a lease, beside a running server.
//!
//! Owns the whole check: every write, the digest chain across segments, contiguous positions,
//! contiguous revisions of every stream and, given keys, every part that can be opened.
//! Invariants: I7 (it reads through the scan that recovery uses). Never writes.

use std::{collections::HashMap, io, path::Path};

use bytes::Bytes;
use facts::{LogId, LogPosition, Revision, StreamId};
use serde::Serialize;

use crate::{
    Damage, DamageKind, Keyring, PartKeys, PartPlace, ReadFault,
    backup::{SegmentPath, segment_paths},
    frame::StoredPart,
    segment::{
        self,
        scan::{ChainPoint, Scan, ScannedEntry, ScannedWrite, Step},
        source::Source,
    },
};

/// The result, in the shape of `log verify --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// True without a fault; a torn last write is none.
    pub ok: bool,
    /// Entries that were read.
    pub entries: u64,
    /// Position of the last whole entry; null in an empty log.
    pub head: Option<LogPosition>,
    /// Bytes after the last whole write.
    pub torn_tail_bytes: u64,
    /// The first fault.
    pub fault: Option<Damage>,
}

/// Reads the segments in a directory and checks all of them.
///
/// `keys`: also open what can be opened. An error means that the files could not be read; a fault
/// in them is in the report. The last revision of every stream is remembered.
pub fn verify(segments_dir: &Path, keys: Option<&Keyring>) -> io::Result<VerifyReport> {
    verify_visiting(segments_dir, keys, &mut |_| {})
}

/// The same, and shows every write that checks.
pub(crate) fn verify_visiting(
    segments_dir: &Path,
    keys: Option<&Keyring>,
    visit: &mut dyn FnMut(&ScannedWrite),
) -> io::Result<VerifyReport> {
    verify_paths(&segment_paths(segments_dir)?, keys, visit)
}

/// The same over segments wherever their files are.
pub(crate) fn verify_paths(
    segments: &[SegmentPath],
    keys: Option<&Keyring>,
    visit: &mut dyn FnMut(&ScannedWrite),
) -> io::Result<VerifyReport> {
    let mut check = Check {
        keys,
        visit,
        chain: ChainPoint::START,
        revisions: HashMap::new(),
        entries: 0,
        torn_tail_bytes: 0,
    };
    let fault = match check.segments(segments) {
        Ok(()) => None,
        Err(ReadFault::Damage(damage)) => Some(damage),
        Err(ReadFault::Io(error)) => return Err(error),
    };
    Ok(check.report(fault))
}

/// Reads bytes as if they were the only segment of a log. For tools that have no directory.
pub fn verify_bytes(segment: Bytes) -> VerifyReport {
    let mut check = Check {
        keys: None,
        visit: &mut |_| {},
        chain: ChainPoint::START,
        revisions: HashMap::new(),
        entries: 0,
        torn_tail_bytes: 0,
    };
    let read = check.source(LogPosition(0), Source::Memory(segment), true);
    let fault = match read {
        Ok(()) => None,
        Err(ReadFault::Damage(damage)) => Some(damage),
        Err(ReadFault::Io(_)) => unreachable!("memory is read without the file system"),
    };
    check.report(fault)
}

struct Check<'a> {
    keys: Option<&'a Keyring>,
    visit: &'a mut dyn FnMut(&ScannedWrite),
    chain: ChainPoint,
    revisions: HashMap<StreamId, Revision>,
    entries: u64,
    torn_tail_bytes: u64,
}

impl Check<'_> {
    fn report(&self, fault: Option<Damage>) -> VerifyReport {
        VerifyReport {
            ok: fault.is_none(),
            entries: self.entries,
            head: self.entries.checked_sub(1).map(LogPosition),
            torn_tail_bytes: self.torn_tail_bytes,
            fault,
        }
    }

    fn segments(&mut self, segments: &[SegmentPath]) -> Result<(), ReadFault> {
        for (index, segment) in segments.iter().enumerate() {
            let last = index + 1 == segments.len();
            self.source(segment.first, Source::open(&segment.path)?, last)?;
        }
        Ok(())
    }

    fn source(&mut self, first: LogPosition, source: Source, last: bool) -> Result<(), ReadFault> {
        let mut scan = Scan::new(first, source, self.chain.clone(), last);
        let end = scan.run(|write| self.write(first, &write))?;
        self.chain = scan.chain().clone();
        match end {
            Step::Torn(offset) => self.torn_tail_bytes = scan.length() - offset,
            Step::Footer => {}
            Step::End | Step::Write(_) if last => {}
            Step::End | Step::Write(_) => return Err(scan.damage(DamageKind::Footer).into()),
        }
        Ok(())
    }

    fn write(&mut self, first: LogPosition, write: &ScannedWrite) -> Result<(), ReadFault> {
        for entry in &write.entries {
            let fault = |kind| Damage {
                segment: segment::file_name(first),
                offset: entry.offset,
                position: entry.frame.header.position,
                kind,
            };
            if !self.revision_follows(entry) {
                return Err(fault(DamageKind::Revision).into());
            }
            if !self.opens(write.header.log_id, entry) {
                return Err(fault(DamageKind::Seal).into());
            }
            self.entries += 1;
        }
        (self.visit)(write);
        Ok(())
    }

    fn revision_follows(&mut self, entry: &ScannedEntry) -> bool {
        let header = &entry.frame.header;
        let opens = header.stream.0 == header.position.0;
        let expected = match self.revisions.get(&header.stream) {
            None if opens => Revision(0),
            Some(last) if !opens => last.next(),
            _ => return false,
        };
        self.revisions.insert(header.stream, header.revision);
        header.revision == expected
    }

    fn opens(&self, log_id: LogId, entry: &ScannedEntry) -> bool {
        let Some(keyring) = self.keys else {
            return true;
        };
        let header = &entry.frame.header;
        let encoded = header.encode();
        let parts = header.parts.iter().zip(&entry.frame.parts);
        (1..).zip(parts).all(|(number, (described, stored))| {
            let StoredPart::Sealed(sealed) = stored else {
                return true;
            };
            let place = PartPlace {
                log_id,
                incarnation: header.incarnation,
                position: header.position,
                part: number,
            };
            let Some(keys) = part_keys(keyring, header, described, &place) else {
                return true;
            };
            let mut clear = Vec::new();
            keys.open(&encoded, &described.commitment, sealed, &mut clear).is_ok()
        })
    }
}

/// Keys of a part; `None` if a factor is destroyed.
pub(crate) fn part_keys(
    keyring: &Keyring,
    header: &facts::EntryHeader,
    part: &facts::PartHeader,
    place: &PartPlace,
) -> Option<PartKeys> {
    let revision = u32::try_from(header.revision.0).ok()?;
    let stream = keyring.leaf(header.key_epoch, part.stream_tree, revision)?;
    let person = if part.person_tree.is_some() {
        let day = header.recorded_at.day();
        Some(keyring.leaf(header.key_epoch, part.person_tree, day)?)
    } else {
        None
    };
    Some(PartKeys::derive(&stream, person.as_ref(), place))
}
