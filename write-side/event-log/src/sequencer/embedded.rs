//! The embedded sequencer: the local segments are the log.
//!
//! Owns the active segment: writing, syncing, closing it with a footer, opening the next.
//! After any error it answers `Failed` for good, until a restart runs recovery: a failed
//! `fdatasync` may have marked pages clean that never reached the medium.
//! Invariants: I13.

use std::{io, sync::Arc};

use facts::LogPosition;

use super::{AppendOutcome, FollowFault, SealedWrite, Sequencer, SequencerHead};
use crate::{
    ReadFault,
    disk::{Disk, SegmentFile},
    segment::{
        self,
        footer::Footer,
        offsets::{Offsets, SegmentSeal},
        scan::{ChainPoint, Step},
        shelf::Shelf,
        source::Source,
    },
};

/// Room that a segment keeps for its footer.
const FOOTER: u64 = segment::footer::FOOTER_BYTES as u64;

/// The segment that is written to.
pub(crate) struct Active {
    pub(crate) file: Box<dyn SegmentFile>,
    pub(crate) first: LogPosition,
    pub(crate) length: u64,
    pub(crate) writes: u64,
}

/// The sequencer over the segments of one directory.
pub(crate) struct EmbeddedSequencer {
    disk: Arc<dyn Disk>,
    shelf: Arc<Shelf>,
    segment_bytes: u64,
    chain: ChainPoint,
    active: Option<Active>,
    broken: bool,
}

impl EmbeddedSequencer {
    /// Goes on from what recovery found; the active segment is already on the shelf.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        shelf: Arc<Shelf>,
        segment_bytes: u64,
        chain: ChainPoint,
        active: Option<Active>,
    ) -> Self {
        Self { disk, shelf, segment_bytes, chain, active, broken: false }
    }

    /// Where the segments stand.
    pub(crate) fn chain(&self) -> &ChainPoint {
        &self.chain
    }

    /// Closes the active segment, so that it can be scavenged. Nothing happens where it has no
    /// entry.
    pub(crate) fn roll(&mut self) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("the writer stopped after a fault"));
        }
        let rolled = self.close_active();
        self.broken |= rolled.is_err();
        rolled
    }

    fn close_active(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else {
            return Ok(());
        };
        if active.first == self.chain.next {
            return Ok(());
        }
        let Some(log_id) = self.chain.log_id else {
            return Ok(());
        };
        let footer = Footer {
            log_id,
            incarnation: self.chain.incarnation,
            first: active.first,
            entries: self.chain.next.0 - active.first.0,
            writes: active.writes,
            file_length: active.length + FOOTER,
            last_write: self.chain.previous,
        }
        .encode();
        // A crash here leaves part of a footer: a torn tail, which recovery cuts.
        active.file.write_all_at(&footer, active.length)?;
        active.file.sync_data()?;
        let path = segment::path(self.shelf.dir(), active.first);
        segment::make_read_only(&path)?;
        // A crash here leaves a closed segment and no next one: recovery opens the next.
        segment::sync_dir(self.shelf.dir())?;
        let length = active.length + footer.len() as u64;
        if let Some(seal) = SegmentSeal::of(length, &footer) {
            self.shelf.close_active(seal);
        }
        self.active = None;
        Ok(())
    }

    fn open_next(&mut self) -> io::Result<()> {
        let first = self.chain.next;
        let path = segment::path(self.shelf.dir(), first);
        let file = self.disk.open(&path)?;
        // A crash here leaves an empty segment, which is a good one to go on with.
        segment::sync_dir(self.shelf.dir())?;
        self.shelf.open_active(first, Offsets::default())?;
        self.active = Some(Active { file, first, length: 0, writes: 0 });
        Ok(())
    }

    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let full = self
            .active
            .as_ref()
            .is_some_and(|active| active.length + bytes + FOOTER > self.segment_bytes);
        if full {
            self.close_active()?;
        }
        if self.active.is_none() {
            self.open_next()?;
        }
        Ok(())
    }

    fn store(&mut self, write: &SealedWrite) -> io::Result<()> {
        let active = self.active.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let offset = active.length;
        // A crash here leaves a torn last write, which recovery cuts whole.
        active.file.write_all_at(&write.bytes, offset)?;
        // A crash before this returns leaves a write that nobody was told of; it may survive.
        active.file.sync_data()?;
        active.length += write.bytes.len() as u64;
        active.writes += 1;
        self.chain = ChainPoint::after(&write.header, write.digest);
        let entries = write.entries.iter();
        self.shelf.extend_active(entries.map(|(at, header)| (offset + u64::from(*at), header)));
        Ok(())
    }
}

impl EmbeddedSequencer {
    fn follow_segment(
        &self,
        first: LogPosition,
        from: LogPosition,
        max_writes: usize,
        found: &mut Vec<Vec<u8>>,
    ) -> Result<(), ReadFault> {
        let path = segment::path(self.shelf.dir(), first);
        let bytes = Source::open(&path)?;
        let mut scan = segment::shelf::scan_closed(&path, first)?;
        while found.len() < max_writes
            && let Step::Write(write) = scan.step()?
        {
            let header = &write.header;
            if header.first >= from || header.first.0 + u64::from(header.count) > from.0 {
                found.push(bytes.read(write.offset, header.write_bytes())?.to_vec());
            }
        }
        Ok(())
    }
}

impl Sequencer for EmbeddedSequencer {
    fn head(&self) -> SequencerHead {
        SequencerHead {
            next: self.chain.next,
            sequence: self.chain.sequence,
            last_write: self.chain.previous,
        }
    }

    fn append(&mut self, expected_head: LogPosition, write: &SealedWrite) -> AppendOutcome {
        if self.broken {
            return AppendOutcome::Failed;
        }
        if let Some(outcome) = self.head().admit(expected_head, write) {
            return outcome;
        }
        if let Err(error) = self.make_room(write.bytes.len() as u64) {
            tracing::error!(%error, "the next segment could not be opened; the writer stops");
            self.broken = true;
            return AppendOutcome::Failed;
        }
        match self.store(write) {
            Ok(()) => AppendOutcome::Ok,
            Err(error) => {
                tracing::error!(%error, "a write did not become durable; the writer stops");
                self.broken = true;
                AppendOutcome::Unknown
            }
        }
    }

    fn follow(&self, from: LogPosition, max_writes: usize) -> Result<Vec<Vec<u8>>, FollowFault> {
        let mut found = Vec::new();
        let segments = self.shelf.segments();
        let start = segments.partition_point(|first| *first <= from);
        for first in &segments[start.saturating_sub(1)..] {
            self.follow_segment(*first, from, max_writes, &mut found)
                .map_err(|fault| FollowFault(fault.into()))?;
        }
        Ok(found)
    }
}
