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

use facts::LogPosition;

use crate::{
    Damage, DamageKind, ReadFault,
    disk::{Disk, SegmentFile},
    segment::{
        self,
        footer::{FOOTER_BYTES, Footer},
        offsets::Offsets,
        scan::{ChainPoint, Scan, Step},
        source::Source,
    },
    sequencer::embedded::Active,
    write::{HeaderFault, WRITE_HEADER_BYTES, WriteHeader},
};

/// `segments`, `log`, the data directory, and the one in which that stands.
const DIRS_MADE: usize = 4;

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
        make_dirs_durable(dir)?;
        return Ok(Recovered { chain, closed, active: None, torn_bytes: 0 });
    };
    for first in &closed {
        chain = check_closed(dir, *first, &chain)?;
    }
    let mut recovered = recover_last(dir, disk, last, chain)?;
    closed.append(&mut recovered.closed);
    recovered.closed = closed;
    Ok(recovered)
}

/// The names of the folders above the first segment. Without this a power loss could forget the
/// whole log with everything that was acknowledged in it.
fn make_dirs_durable(dir: &Path) -> io::Result<()> {
    for above in dir.ancestors().take(DIRS_MADE) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match segment::sync_dir(above) {
            // A folder that we may only pass through was not made by us.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            other => other?,
        }
    }
    Ok(())
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
    let header = WriteHeader::decode(&head).map_err(|fault| match fault {
        HeaderFault::Invalid => damage(0, DamageKind::WriteHeader),
        HeaderFault::UnknownFormat => damage(0, DamageKind::UnknownFormat),
    })?;
    if chain.log_id.is_some_and(|log_id| log_id != header.log_id) {
        return Err(damage(0, DamageKind::LogId).into());
    }
    if header.first != first
        || header.sequence != chain.sequence
        || header.previous != chain.previous
        || header.incarnation < chain.incarnation
    {
        return Err(damage(0, DamageKind::Chain).into());
    }
    let foot_at = length - FOOTER_BYTES as u64;
    let mut foot = [0; FOOTER_BYTES];
    file.read_exact_at(&mut foot, foot_at)?;
    if Footer::is_of_later_format(&foot) {
        return Err(damage(foot_at, DamageKind::UnknownFormat).into());
    }
    let footer = Footer::at_end(&foot, length)
        .filter(|footer| {
            footer.first == first
                && footer.log_id == header.log_id
                && footer.incarnation >= header.incarnation
                && header.sequence.checked_add(footer.writes).is_some()
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
    let mut offsets = Offsets::default();
    let mut last_write = None;
    let mut scan = Scan::new(first, Source::open(&path)?, chain, true);
    let end = scan.run(|write| {
        write.entries.iter().for_each(|entry| offsets.push(entry));
        last_write = Some((write.offset, write.header.write_bytes()));
        Ok::<(), ReadFault>(())
    })?;
    let mut recovered =
        Recovered { chain: scan.chain().clone(), closed: Vec::new(), active: None, torn_bytes: 0 };
    if matches!(end, Step::Footer) {
        finish_closing(dir, disk, &path, last_write)?;
        recovered.closed.push(first);
        return Ok(recovered);
    }
    let mut file = disk.open(&path)?;
    let mut length = scan.length();
    if let Step::Torn(offset) = end {
        // A crash here leaves the torn write, and the next start cuts it again.
        file.set_len(offset)?;
        recovered.torn_bytes = length - offset;
        length = offset;
    }
    if let Some((offset, bytes)) = last_write {
        write_again(&mut *file, &path, offset, bytes)?;
    }
    file.sync_data()?;
    segment::sync_dir(dir)?;
    let active = Active { file, first, length, writes: scan.writes() };
    recovered.active = Some((active, offsets));
    Ok(recovered)
}

/// The last write may be in the page cache only, on pages that a failed sync marked clean.
/// Writing the same bytes makes them dirty, so that the sync afterwards means something.
fn write_again(
    file: &mut dyn SegmentFile,
    path: &Path,
    offset: u64,
    bytes: usize,
) -> io::Result<()> {
    let again = Source::open(path)?.read(offset, bytes)?;
    file.write_all_at(&again, offset)
}

/// Finishes closing the last segment. One that is read-only was synced with its footer; of any
/// other, footer and last write may be in the page cache only, like the last write of an open one.
fn finish_closing(
    dir: &Path,
    disk: &dyn Disk,
    path: &Path,
    last_write: Option<(u64, usize)>,
) -> io::Result<()> {
    if fs::metadata(path)?.permissions().readonly() {
        // A copy that was brought here may be read-only and not yet on the medium.
        File::open(path)?.sync_all()?;
    } else {
        let mut file = disk.open(path)?;
        if let Some((offset, bytes)) = last_write {
            write_again(&mut *file, path, offset, bytes + FOOTER_BYTES)?;
        }
        file.sync_data()?;
        segment::make_read_only(path)?;
    }
    segment::sync_dir(dir)
}
