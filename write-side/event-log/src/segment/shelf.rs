//! What readers know of the segments: which there are, and open handles to some of them.
//!
//! Owns position → segment and offset, and the bounded cache of handles. A handle keeps file and
//! offsets together, so that a reader who holds one goes on undisturbed while scavenging puts
//! another file in the place of the old.
//! Invariants: I10. Never decides what is durable: its callers stop at the durable head.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use facts::LogPosition;
use parking_lot::{Mutex, RwLock};

use super::{
    footer::FOOTER_BYTES,
    offsets::{Offsets, SegmentSeal},
    scan::{ChainPoint, Scan},
    source::Source,
};
use crate::{
    Damage, DamageKind, ReadFault,
    frame::{FRAME_LENGTH_BYTES, Frame},
    write::{WRITE_HEADER_BYTES, WriteHeader},
};

/// Closed segments held open at once; each costs a file handle and four bytes an entry.
pub const HANDLES_MAX: usize = 32;
/// Read at once for one entry whose length is not known yet.
const FRAME_GUESS_BYTES: usize = 4 * 1024;

/// An open segment.
pub(crate) struct Handle {
    first: LogPosition,
    file: File,
    offsets: RwLock<Offsets>,
}

struct Shelved {
    closed: Vec<LogPosition>,
    active: Option<Arc<Handle>>,
}

struct Cached {
    handle: Arc<Handle>,
    used: u64,
}

#[derive(Default)]
struct HandleCache {
    handles: HashMap<LogPosition, Cached>,
    uses: u64,
}

/// The segments, as readers see them.
pub(crate) struct Shelf {
    dir: PathBuf,
    shelved: RwLock<Shelved>,
    cache: Mutex<HandleCache>,
}

impl Shelf {
    pub(crate) fn new(dir: PathBuf, closed: Vec<LogPosition>) -> Self {
        Self {
            dir,
            shelved: RwLock::new(Shelved { closed, active: None }),
            cache: Mutex::default(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// First positions of all segments.
    pub(crate) fn segments(&self) -> Vec<LogPosition> {
        let shelved = self.shelved.read();
        let active = shelved.active.as_ref().map(|handle| handle.first);
        shelved.closed.iter().copied().chain(active).collect()
    }

    /// First positions of the closed segments.
    pub(crate) fn closed(&self) -> Vec<LogPosition> {
        self.shelved.read().closed.clone()
    }

    /// Puts the active segment on the shelf, with what recovery found in it.
    pub(crate) fn open_active(&self, first: LogPosition, offsets: Offsets) -> io::Result<()> {
        let handle = Handle {
            first,
            file: super::freeing::open(&super::path(&self.dir, first))?,
            offsets: RwLock::new(offsets),
        };
        self.shelved.write().active = Some(Arc::new(handle));
        Ok(())
    }

    /// Adds entries of a durable write to the active segment.
    pub(crate) fn extend_active<'a>(
        &self,
        entries: impl Iterator<Item = (u64, &'a facts::EntryHeader)>,
    ) {
        if let Some(active) = &self.shelved.read().active {
            let mut offsets = active.offsets.write();
            for (offset, header) in entries {
                offsets.push_at(offset, header);
            }
        }
    }

    /// The active segment has its footer: from now on it is a closed one. Its sidecar is written
    /// best effort, for it can be made again.
    pub(crate) fn close_active(&self, seal: SegmentSeal) {
        let mut shelved = self.shelved.write();
        if let Some(active) = shelved.active.take() {
            shelved.closed.push(active.first);
            let path = super::path(&self.dir, active.first);
            if let Err(error) = active.offsets.read().write(&path, seal) {
                tracing::info!(%error, "a segment's sidecar could not be written; it is made again");
            }
            drop(shelved);
            self.cache.lock().keep(active);
        }
    }

    /// True where the active segment holds a part sealed under one of these trees.
    pub(crate) fn active_has_tree(&self, mut matches: impl FnMut(u32) -> bool) -> bool {
        let active = self.shelved.read().active.clone();
        active.is_some_and(|handle| handle.offsets.read().trees.iter().any(|tree| matches(*tree)))
    }

    /// Trees that occur in a closed segment.
    pub(crate) fn closed_has_tree(
        &self,
        first: LogPosition,
        mut matches: impl FnMut(u32) -> bool,
    ) -> Result<bool, ReadFault> {
        let handle = self.closed_handle(first)?;
        let offsets = handle.offsets.read();
        Ok(offsets.trees.iter().any(|tree| matches(*tree)))
    }

    /// Runs `replace`, which renames a new file over a closed segment, so that no reader opens
    /// file and sidecar of different contents meanwhile.
    pub(crate) fn replace_closed<T>(
        &self,
        first: LogPosition,
        replace: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut cache = self.cache.lock();
        cache.handles.remove(&first);
        replace()
    }

    /// Segment and offset of an entry, as far as they are known; for saying where a fault is.
    pub(crate) fn place(&self, position: LogPosition) -> (LogPosition, u64) {
        let handle = self.handle_of(position).ok().flatten();
        let start = handle.as_ref().and_then(|handle| handle.start(position));
        let first = handle.map_or(LogPosition(0), |handle| handle.first);
        (first, u64::from(start.unwrap_or(0)))
    }

    /// Reads one entry; `None` past what the shelf knows.
    pub(crate) fn frame(&self, position: LogPosition) -> Result<Option<Frame>, ReadFault> {
        let Some(handle) = self.handle_of(position)? else {
            return Ok(None);
        };
        let Some(start) = handle.start(position) else {
            return Ok(None);
        };
        let bytes = handle.read_frame_bytes(start)?;
        self.decode(&handle, position, start, &bytes).map(Some)
    }

    /// Reads entries in order from one segment, from `from` on: as many as fit the limits, at
    /// least one. Empty past what the shelf knows.
    pub(crate) fn frames(
        &self,
        from: LogPosition,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<Frame>, ReadFault> {
        let Some(handle) = self.handle_of(from)? else {
            return Ok(Vec::new());
        };
        let starts = handle.starts(from, max_entries, max_bytes);
        let (Some(front), Some(back)) = (starts.first(), starts.last()) else {
            return Ok(Vec::new());
        };
        let mut block = vec![0; (back - front) as usize];
        handle.file.read_exact_at(&mut block, u64::from(*front))?;
        let mut block = Bytes::from(block);
        let last = handle.read_frame_bytes(*back)?;
        let mut frames = Vec::with_capacity(starts.len());
        for (position, pair) in (from.0..).zip(starts.windows(2)) {
            let bytes = block.split_to((pair[1] - pair[0]) as usize);
            frames.push(self.decode(&handle, LogPosition(position), pair[0], &bytes)?);
        }
        let position = LogPosition(from.0 + starts.len() as u64 - 1);
        frames.push(self.decode(&handle, position, *back, &last)?);
        Ok(frames)
    }

    fn decode(
        &self,
        handle: &Handle,
        position: LogPosition,
        start: u32,
        bytes: &Bytes,
    ) -> Result<Frame, ReadFault> {
        let frame = Frame::read_front(bytes).map(|(frame, _)| frame);
        frame.filter(|frame| frame.header.position == position).ok_or_else(|| {
            // A sidecar with wrong offsets does the same; it is rebuilt when opened again.
            self.cache.lock().handles.remove(&handle.first);
            ReadFault::Damage(Damage {
                segment: super::file_name(handle.first),
                offset: u64::from(start),
                position,
                kind: DamageKind::EntryFrame,
            })
        })
    }

    fn handle_of(&self, position: LogPosition) -> Result<Option<Arc<Handle>>, ReadFault> {
        let first = {
            let shelved = self.shelved.read();
            if let Some(active) = &shelved.active
                && active.first <= position
            {
                return Ok(Some(Arc::clone(active)));
            }
            let after = shelved.closed.partition_point(|first| *first <= position);
            after.checked_sub(1).map(|index| shelved.closed[index])
        };
        first.map(|first| self.closed_handle(first)).transpose()
    }

    fn closed_handle(&self, first: LogPosition) -> Result<Arc<Handle>, ReadFault> {
        let mut cache = self.cache.lock();
        if let Some(handle) = cache.get(first) {
            return Ok(handle);
        }
        let handle = Arc::new(Handle::open_closed(&self.dir, first)?);
        cache.keep(Arc::clone(&handle));
        Ok(handle)
    }
}

impl HandleCache {
    fn get(&mut self, first: LogPosition) -> Option<Arc<Handle>> {
        self.uses += 1;
        let cached = self.handles.get_mut(&first)?;
        cached.used = self.uses;
        Some(Arc::clone(&cached.handle))
    }

    fn keep(&mut self, handle: Arc<Handle>) {
        if self.handles.len() >= HANDLES_MAX
            && let Some(oldest) = self.oldest()
        {
            self.handles.remove(&oldest);
        }
        let used = self.uses;
        self.handles.insert(handle.first, Cached { handle, used });
    }

    fn oldest(&self) -> Option<LogPosition> {
        let oldest = self.handles.iter().min_by_key(|(_, cached)| cached.used);
        oldest.map(|(first, _)| *first)
    }
}

impl Handle {
    fn open_closed(dir: &Path, first: LogPosition) -> Result<Self, ReadFault> {
        let path = super::path(dir, first);
        let file = super::freeing::open(&path)?;
        let length = file.metadata()?.len();
        let mut tail = [0; FOOTER_BYTES];
        file.read_exact_at(&mut tail, length.saturating_sub(FOOTER_BYTES as u64))?;
        let seal = SegmentSeal::of(length, &tail);
        let known = seal.and_then(|seal| Offsets::read(&path, seal));
        let offsets = match known {
            Some(offsets) => offsets,
            None => rebuild_offsets(&path, first, seal)?,
        };
        Ok(Self { first, file, offsets: RwLock::new(offsets) })
    }

    fn start(&self, position: LogPosition) -> Option<u32> {
        let index = usize::try_from(position.0.checked_sub(self.first.0)?).ok()?;
        self.offsets.read().starts.get(index).copied()
    }

    fn starts(&self, from: LogPosition, max_entries: usize, max_bytes: usize) -> Vec<u32> {
        let index = usize::try_from(from.0.saturating_sub(self.first.0)).unwrap_or(usize::MAX);
        let offsets = self.offsets.read();
        let rest = offsets.starts.get(index..).unwrap_or_default();
        let Some(front) = rest.first() else {
            return Vec::new();
        };
        let fits = |start: &&u32| (**start - front) as usize <= max_bytes;
        let taken = rest.iter().take(max_entries.max(1)).take_while(fits);
        taken.copied().collect()
    }

    fn read_frame_bytes(&self, start: u32) -> io::Result<Bytes> {
        let start = u64::from(start);
        let mut bytes = vec![0; FRAME_GUESS_BYTES];
        let mut got = 0;
        while got < bytes.len() {
            match self.file.read_at(&mut bytes[got..], start + got as u64)? {
                0 => break,
                n => got += n,
            }
        }
        bytes.truncate(got);
        // What is not a frame is answered empty: it is damage, and trying again does not help.
        let Some(length) = bytes.first_chunk::<4>() else {
            return Ok(Bytes::new());
        };
        let total = FRAME_LENGTH_BYTES + u32::from_be_bytes(*length) as usize;
        if total > crate::write::WRITE_BODY_BYTES_MAX {
            return Ok(Bytes::new());
        }
        if total > got {
            bytes.resize(total, 0);
            match self.file.read_exact_at(&mut bytes[got..], start + got as u64) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Bytes::new());
                }
                other => other?,
            }
        }
        bytes.truncate(total);
        Ok(Bytes::from(bytes))
    }
}

/// Scans a closed segment by itself.
pub(crate) fn scan_closed(path: &Path, first: LogPosition) -> Result<Scan, ReadFault> {
    let source = Source::open(path)?;
    let chain = match WriteHeader::decode(&source.read(0, WRITE_HEADER_BYTES)?) {
        Ok(header) => ChainPoint {
            log_id: Some(header.log_id),
            incarnation: header.incarnation,
            sequence: header.sequence,
            next: header.first,
            previous: header.previous,
        },
        Err(_) => ChainPoint { next: first, ..ChainPoint::START },
    };
    Ok(Scan::new(first, source, chain, false))
}

fn rebuild_offsets(
    path: &Path,
    first: LogPosition,
    seal: Option<SegmentSeal>,
) -> Result<Offsets, ReadFault> {
    let mut offsets = Offsets::default();
    scan_closed(path, first)?.run(|write| {
        write.entries.iter().for_each(|entry| offsets.push(entry));
        Ok::<(), ReadFault>(())
    })?;
    if let Some(seal) = seal
        && let Err(error) = offsets.write(path, seal)
    {
        tracing::info!(%error, "a segment's sidecar could not be written; it is made again");
    }
    Ok(offsets)
}
