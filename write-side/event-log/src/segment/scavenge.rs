//! Scavenging: dropping the ciphertext of destroyed parts from a closed segment.
//!
//! Owns the making of the new file and its exchange for the old. Digests of entries and writes
//! stay as they were (I6); lengths and CRCs are made anew.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use facts::{EntryHeader, LogPosition, PartHeader};

use super::{
    beside::write_beside,
    footer::{FOOTER_BYTES, Footer},
    freeing::free,
    offsets::{Offsets, SegmentSeal},
    scan::{ScannedWrite, Step},
    shelf::{Shelf, scan_closed},
};
use crate::{
    DamageKind, DestructionStep, Disk, ReadFault,
    frame::StoredPart,
    write::{WRITE_HEADER_BYTES, WriteHeader, assemble},
};

/// Read without a rest.
const READ_BYTES: usize = 256 * 1024;

/// What scavenging one segment did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scavenged {
    /// Parts whose ciphertext went.
    pub(crate) parts: u64,
    /// Bytes that the file is shorter.
    pub(crate) bytes: u64,
}

/// Drops the parts of a closed segment for which `is_gone` says so. Touches nothing where there
/// are none. `rest` is called after each piece that was read,
/// written or freed.
pub(crate) fn scavenge_closed(
    shelf: &Shelf,
    disk: &dyn Disk,
    first: LogPosition,
    is_gone: impl Fn(&EntryHeader, &PartHeader, u8) -> bool,
    rest: &mut dyn FnMut(),
) -> Result<Scavenged, ReadFault> {
    let path = super::path(shelf.dir(), first);
    let mut scan = scan_closed(&path, first)?;
    let mut rewrite = Rewrite::default();
    let mut unrested = 0;
    let end = scan.run(|write| {
        let read = write.header.write_bytes();
        rewrite.take(write, &is_gone);
        unrested += read;
        if unrested >= READ_BYTES {
            unrested = 0;
            rest();
        }
        Ok::<(), ReadFault>(())
    })?;
    if !matches!(end, Step::Footer) {
        return Err(scan.damage(DamageKind::Footer).into());
    }
    if rewrite.parts == 0 {
        return Ok(Scavenged::default());
    }
    let old = Old::read(&path)?.ok_or_else(|| scan.damage(DamageKind::Footer))?;
    // It has the old file open.
    drop(scan);
    let length = rewrite.bytes.len() + FOOTER_BYTES;
    let footer = Footer { file_length: length as u64, ..old.footer };
    rewrite.bytes.extend_from_slice(&footer.encode());
    let parts = rewrite.parts;
    let shorter = old.length.saturating_sub(length as u64);
    let file = write_new(disk, &path, &rewrite.bytes, rest)?;
    exchange(shelf, disk, first, &path, &rewrite, &file)?;
    free(&old.file, rest);
    Ok(Scavenged { parts, bytes: shorter })
}

/// The file that is replaced.
struct Old {
    file: File,
    footer: Footer,
    length: u64,
}

impl Old {
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, length.saturating_sub(FOOTER_BYTES as u64))?;
        Ok(Footer::decode(&bytes).map(|footer| Self { file, footer, length }))
    }
}

#[derive(Default)]
struct Rewrite {
    bytes: Vec<u8>,
    offsets: Offsets,
    parts: u64,
}

impl Rewrite {
    fn take(
        &mut self,
        write: ScannedWrite,
        is_gone: &impl Fn(&EntryHeader, &PartHeader, u8) -> bool,
    ) {
        let mut frames = Vec::new();
        let start = self.bytes.len() + WRITE_HEADER_BYTES;
        for entry in write.entries {
            let mut frame = entry.frame;
            for ((number, described), stored) in
                (1..).zip(&frame.header.parts).zip(&mut frame.parts)
            {
                let sealed = matches!(stored, StoredPart::Sealed(_));
                if sealed && is_gone(&frame.header, described, number) {
                    *stored = StoredPart::Scavenged(stored.hash());
                    self.parts += 1;
                }
            }
            let offset = (start + frames.len()) as u64;
            self.offsets.push_at(offset, &frame.header);
            frame.encode_into(&mut frames);
        }
        // A part of up to three clear bytes is stored shorter than its 32-byte hash, so a write
        // can also grow, by a seventh at most.
        let header = WriteHeader {
            length: u32::try_from(frames.len()).expect("a write is at most 9 MiB, and a seventh"),
            ..write.header
        };
        let bytes = assemble(&header, std::iter::once(frames.as_slice()));
        self.bytes.extend_from_slice(&bytes);
    }
}

/// Writes the new file beside the old one.
fn write_new(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    rest: &mut dyn FnMut(),
) -> io::Result<File> {
    let new = new_path(path);
    disk.before(DestructionStep::WriteSegment)?;
    // A crash up to the rename leaves the old segment and a leftover that recovery removes.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_beside(&new, bytes, rest)
}

/// Puts the new file in the place of the old one.
fn exchange(
    shelf: &Shelf,
    disk: &dyn Disk,
    first: LogPosition,
    path: &Path,
    rewrite: &Rewrite,
    file: &File,
) -> io::Result<()> {
    let new = new_path(path);
    disk.before(DestructionStep::SyncSegment)?;
    file.sync_all()?;
    super::make_read_only(&new)?;
    shelf.replace_closed(first, || {
        disk.before(DestructionStep::RenameSegment)?;
        fs::rename(&new, path)?;
        disk.before(DestructionStep::SyncSegments)?;
        // A crash here may bring the old segment back; its order is executed again at the start.
        super::sync_dir(shelf.dir())
    })?;
    disk.before(DestructionStep::WriteOffsets)?;
    let seal = SegmentSeal::of(rewrite.bytes.len() as u64, &rewrite.bytes);
    if let Some(seal) = seal
        && let Err(error) = rewrite.offsets.write(path, seal)
    {
        tracing::info!(%error, "a segment's sidecar could not be written; it is made again");
    }
    Ok(())
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("seg.new")
}
