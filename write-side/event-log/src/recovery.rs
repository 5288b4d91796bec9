//! Recovery: from files to the point at which the log goes on.
//!
//! Owns the start-up check: the last segment entirely, closed ones by header, length and footer.
//! Cuts a torn last write whole and makes the last write durable again before anybody reads.
//! Doing it twice changes nothing. Invariants: I7 (it reads through the same scan), I13.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
};

use bytes::Bytes;
use facts::LogPosition;

use crate::{
    Damage, DamageKind, ReadFault,
    disk::Disk,
    segment::{
        self,
        footer::{FOOTER_BYTES, Footer},
        offsets::Offsets,
        scan::{ChainPoint, Scan, Step},
    },
    sequencer::embedded::Active,
    write::{WRITE_HEADER_BYTES, WriteHeader},
};

/// What recovery found.
pub(crate) struct Recovered {
    /// Where the next write goes on.
    pub(crate) chain: ChainPoint,
    /// Closed segments.
    pub(crate) closed: Vec<LogPosition>,
    /// The segment to write to and its entries; `None` where the last one is closed or none is.
    pub(crate) active: Option<(Active, Offsets)>,
    /// Bytes of a torn last write that were cut.
    pub(crate) torn_bytes: u64,
}

/// Brings the segments of `dir` to the last durable write.
pub(crate) fn recover(dir: &Path, disk: &dyn Disk) -> Result<Recovered, ReadFault> {
    fs::create_dir_all(dir)?;
    remove_leftovers(dir)?;
    let mut closed = segment::list(dir)?;
    let mut chain = ChainPoint::START;
    let Some(last) = closed.pop() else {
        return Ok(Recovered {
            chain,
            closed,
            active: None,
            torn_bytes: 0,
        });
    };
    for first in &closed {
        chain = check_closed(dir, *first, &chain)?;
    }
    let mut recovered = recover_last(dir, disk, last, chain)?;
    closed.append(&mut recovered.closed);
    recovered.closed = closed;
    Ok(recovered)
}

/// Files that a crash during scavenging left under their temporary name; the segment that they
/// were to replace is still whole.
fn remove_leftovers(dir: &Path) -> io::Result<()> {
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Checks a closed segment by its first header, length and footer.
pub(crate) fn check_closed(
    dir: &Path,
    first: LogPosition,
    chain: &ChainPoint,
) -> Result<ChainPoint, ReadFault> {
    let file = File::open(segment::path(dir, first))?;
    let length = file.metadata()?.len();
    let damage = |offset, kind| Damage {
        segment: segment::file_name(first),
        offset,
        position: chain.next,
        kind,
    };
    if first != chain.next {
        return Err(damage(0, DamageKind::Segment).into());
    }
    if length < (WRITE_HEADER_BYTES + FOOTER_BYTES) as u64 {
        return Err(damage(length, DamageKind::Footer).into());
    }
    let mut head = [0; WRITE_HEADER_BYTES];
    file.read_exact_at(&mut head, 0)?;
    let header = WriteHeader::decode(&head).ok_or_else(|| damage(0, DamageKind::WriteHeader))?;
    if chain.log_id.is_some_and(|log_id| log_id != header.log_id) {
        return Err(damage(0, DamageKind::LogId).into());
    }
    if header.first != first
        || header.sequence != chain.sequence
        || header.previous != chain.previous
    {
        return Err(damage(0, DamageKind::Chain).into());
    }
    let foot_at = length - FOOTER_BYTES as u64;
    let mut foot = [0; FOOTER_BYTES];
    file.read_exact_at(&mut foot, foot_at)?;
    let footer = Footer::decode(&foot)
        .filter(|footer| {
            footer.file_length == length
                && footer.first == first
                && footer.log_id == header.log_id
                && footer.incarnation >= header.incarnation
        })
        .ok_or_else(|| damage(foot_at, DamageKind::Footer))?;
    Ok(ChainPoint {
        log_id: Some(footer.log_id),
        incarnation: footer.incarnation,
        sequence: header.sequence + footer.writes,
        next: LogPosition(first.0 + footer.entries),
        previous: footer.last_write,
    })
}

fn recover_last(
    dir: &Path,
    disk: &dyn Disk,
    first: LogPosition,
    chain: ChainPoint,
) -> Result<Recovered, ReadFault> {
    let path = segment::path(dir, first);
    let bytes = Bytes::from(fs::read(&path)?);
    let mut offsets = Offsets::default();
    let mut last_write = None;
    let mut scan = Scan::new(first, bytes.clone(), chain, true);
    let end = scan.run(|write| {
        write.entries.iter().for_each(|entry| offsets.push(entry));
        let start = usize::try_from(write.offset).unwrap_or(usize::MAX);
        last_write = Some(start..start + write.header.write_bytes());
        Ok::<(), ReadFault>(())
    })?;
    let mut recovered = Recovered {
        chain: scan.chain().clone(),
        closed: Vec::new(),
        active: None,
        torn_bytes: 0,
    };
    if matches!(end, Step::Footer) {
        // The footer may be in the page cache only.
        File::open(&path)?.sync_all()?;
        segment::make_read_only(&path)?;
        segment::sync_dir(dir)?;
        recovered.closed.push(first);
        return Ok(recovered);
    }
    let mut file = disk.open(&path)?;
    let mut length = bytes.len() as u64;
    if let Step::Torn(offset) = end {
        // A crash here leaves the torn write, and the next start cuts it again.
        file.set_len(offset)?;
        recovered.torn_bytes = length - offset;
        length = offset;
    }
    if let Some(range) = last_write {
        // The last write may be in the page cache only, on pages that a failed sync marked
        // clean. Writing the same bytes makes them dirty, so that the sync below means something.
        let offset = range.start as u64;
        file.write_all_at(&bytes[range], offset)?;
    }
    file.sync_data()?;
    segment::sync_dir(dir)?;
    let active = Active {
        file,
        first,
        length,
        writes: scan.writes(),
    };
    recovered.active = Some((active, offsets));
    Ok(recovered)
}
