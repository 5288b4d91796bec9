//! Destruction (LOG.md section 6): order, keys, ciphertext, report.
//!
//! Owns the sequence. The order is durable before anything is destroyed; what was ordered is
//! finished at the next start if a crash comes between. Invariants: I6, I13.

use std::{collections::HashSet, io};

use facts::{
    Batch, EntryHeader, EntryRef, ExpectedRevision, LogPosition, StreamId,
    fact::{
        DestroyedRecords, ShredCause, ShredContents, ShredDone, ShredOrdered, ShredSurface,
        SurfaceOutcome, SurfaceReport,
    },
};

use super::{Log, append::own_batch, offsite::Unreported};
use crate::{
    AppendFault, AppendRefusal, DestructionStep, IndexFault, KeyRange, KeyringError, ReadFault,
    segment::scavenge::{Scavenged, scavenge_closed},
};

/// The tree that seals position 0: every log begins with it.
const FIRST_TREE: u32 = 1;

/// What is to be destroyed.
#[derive(Clone, Debug)]
pub struct ShredRequest {
    /// Key ranges.
    pub ranges: Vec<facts::fact::KeyRange>,
    /// Why.
    pub cause: ShredCause,
    /// Conditions, above all on the revisions of the holds: log order decides.
    pub expects: Vec<(StreamId, ExpectedRevision)>,
    /// When the ciphertext goes.
    pub scavenging: Scavenging,
}

/// One order of several, with what it takes as far as whoever gives it knows; see
/// [`ShredContents`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOfMany {
    /// Key ranges and cause.
    pub order: ShredOrdered,
    /// Records by kind and cause.
    pub records: Vec<DestroyedRecords>,
    /// Files of media.
    pub files: Vec<String>,
}

/// When ciphertext without keys gives way to its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scavenging {
    /// At once in closed segments; in the active one when it is full.
    Closed,
    /// At once, also in the active segment, which is closed first.
    All,
    /// By a call of [`Log::scavenge_trees`]: a run of many orders rewrites a segment once.
    Later,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShredReceipt {
    /// Position of the order.
    pub order: LogPosition,
    /// Position of the report; `None` while the order is not off-site yet, where it must be.
    pub done: Option<LogPosition>,
    /// Outcome of each surface.
    pub reports: Vec<SurfaceReport>,
}

/// Why an order was not carried out to its report.
#[derive(Debug, thiserror::Error)]
pub enum ShredError {
    /// Order or report was refused. A refused order destroyed nothing.
    #[error("the log refused the order or its report")]
    Refused(#[from] AppendRefusal),
    /// Order or report did not become durable.
    #[error("the order or its report did not become durable")]
    NotDurable(#[from] AppendFault),
    /// The keyring could not be rewritten. Reads refuse all the same; the next start tries again.
    #[error("the keyring could not be rewritten")]
    Keyring(#[from] KeyringError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] ReadFault),
    /// The orders could not be listed.
    #[error("the orders could not be listed")]
    Index(#[from] IndexFault),
    /// A range ends before it begins.
    #[error("a key range ends before it begins")]
    BadRange,
    /// A range reaches what the log says of itself, without which no log can be opened.
    #[error("a key range reaches the log's own stream")]
    OwnStream,
    /// The clock jumped and no operator has confirmed it; see [`Log::confirm_clock`].
    #[error("the clock jumped forward, at position {0}, and nobody has confirmed it")]
    ClockUnconfirmed(LogPosition),
}

impl Log {
    /// Destroys keys: appends the order, executes it and appends the report. Blocks.
    ///
    /// `purge_copies` is called once the keys are gone, and answers for the surfaces outside the
    /// log (views, search, media).
    pub fn order_shred(
        &self,
        request: ShredRequest,
        purge_copies: impl FnOnce(&[KeyRange]) -> Vec<SurfaceReport>,
    ) -> Result<ShredReceipt, ShredError> {
        let mut unreported = self.shredding.lock();
        let ordered = ShredOrdered { ranges: request.ranges, cause: request.cause };
        let ranges = ordered.ranges.clone();
        let batch = Batch { expects: request.expects, ..own_batch(&ordered) };
        let order = self.carry_out(batch, &ranges)?.first;
        let mut reports = purge_copies(&ranges);
        reports.splice(0..0, self.log_surfaces(&ranges, request.scavenging));
        let done = self.report(vec![(order, reports.clone())], &mut unreported)?;
        Ok(ShredReceipt { order, done, reports })
    }

    /// Gives several orders as one: all of them are durable or none, and the keyring is rewritten
    /// once for all. What they take becomes durable with them. Ciphertext waits for
    /// [`Self::scavenge_trees`]. Answers the positions of the orders. Blocks.
    pub fn order_shreds(
        &self,
        orders: Vec<OrderOfMany>,
        expects: Vec<(StreamId, ExpectedRevision)>,
    ) -> Result<Vec<LogPosition>, ShredError> {
        let mut unreported = self.shredding.lock();
        let mut batch = Batch { expects, drafts: Vec::new() };
        let (mut ranges, mut places) = (Vec::new(), Vec::new());
        for OrderOfMany { order, records, files } in orders {
            let place = batch.drafts.len();
            places.push((place, order.ranges.clone()));
            ranges.extend_from_slice(&order.ranges);
            let at = EntryRef::InBatch(u32::try_from(place).unwrap_or(u32::MAX));
            batch.drafts.extend(own_batch(&order).drafts);
            let contents = ShredContents { order: at, records, files };
            batch.drafts.extend(own_batch(&contents).drafts);
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.carry_out(batch, &ranges)?;
        let reports: Vec<_> = places
            .iter()
            .filter_map(|(place, ranges)| {
                let order = appended.headers.get(*place)?.position;
                Some((order, self.log_surfaces(ranges, Scavenging::Later)))
            })
            .collect();
        let orders = reports.iter().map(|(order, _)| *order).collect();
        self.report(reports, &mut unreported)?;
        Ok(orders)
    }

    /// Appends orders and destroys their keys.
    fn carry_out(&self, batch: Batch, ranges: &[KeyRange]) -> Result<CarriedOut, ShredError> {
        self.check_ranges(ranges)?;
        self.watch_clock()?;
        if let Some(jump) = self.unconfirmed_clock_jump() {
            return Err(ShredError::ClockUnconfirmed(jump));
        }
        self.disk.before(DestructionStep::Order).map_err(ReadFault::from)?;
        let appended = self.append_with(batch, &[], |_| Ok(()), ranges)?;
        let carried_out = CarriedOut { first: appended.first, headers: appended.headers.clone() };
        let last = appended.last();
        // When this returns, the writing thread has made reads refuse what the orders cover.
        appended.durable.wait()?;
        self.shared.vault.destroy(ranges, last)?;
        Ok(carried_out)
    }

    fn check_ranges(&self, ranges: &[KeyRange]) -> Result<(), ShredError> {
        if !ranges.iter().all(KeyRange::is_ordered) {
            return Err(ShredError::BadRange);
        }
        let own = self.shared.index.lock().state(StreamId(0))?;
        let trees = own.map(|state| state.trees).unwrap_or_default();
        let is_own = |tree: u32| tree == FIRST_TREE || trees.iter().any(|(_, own)| own.0 == tree);
        if ranges.iter().any(|range| is_own(range.tree)) {
            return Err(ShredError::OwnStream);
        }
        Ok(())
    }

    /// Drops ciphertext of destroyed parts from all closed segments. Answers parts and bytes.
    pub fn scavenge(&self) -> Result<(u64, u64), ReadFault> {
        let _one_at_a_time = self.shredding.lock();
        self.still_ours()?;
        let done = self.scavenge_where(|_| true, &mut || ())?;
        Ok((done.parts, done.bytes))
    }

    /// True where a part's text cannot be read any more: one of its key factors is destroyed, or
    /// ordered so. `part` counts from 0.
    pub fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool {
        header.parts.get(part).is_none_or(|part| self.shared.vault.is_gone(header, part))
    }

    /// Finishes orders that have no report yet: after a crash, or after the keyring could not be
    /// rewritten. Opening does it by itself. Orders that must be off-site first are carried out
    /// and not reported.
    pub fn finish_orders(&self) -> Result<(), ShredError> {
        let _one_at_a_time = self.shredding.lock();
        let undone: Vec<LogPosition> = self.shared.index.lock().undone().iter().copied().collect();
        for order in undone {
            let Some(ordered) = self.shared.fact_at::<ShredOrdered>(order)? else {
                continue;
            };
            let ranges = ordered.ranges;
            self.shared.vault.destroy(&ranges, order)?;
            if self.options.orders_kept_offsite {
                continue;
            }
            let reports = self.log_surfaces(&ranges, Scavenging::Closed);
            self.report_done(&[(order, reports)])?;
        }
        Ok(())
    }

    /// Drops ciphertext that the scrub met in a closed segment.
    pub(super) fn scavenge_left_behind(
        &self,
        first: LogPosition,
        rest: &mut dyn FnMut(),
    ) -> Result<(), ReadFault> {
        let _one_at_a_time = self.shredding.lock();
        self.still_ours()?;
        self.scavenge_segment(first, |_| true, rest)?;
        Ok(())
    }

    /// Without the lease another process may have the files.
    fn still_ours(&self) -> io::Result<()> {
        match &*self.lease.lock() {
            Some(_) => Ok(()),
            None => Err(io::Error::other("the log is closed")),
        }
    }

    pub(super) fn log_surfaces(
        &self,
        ranges: &[KeyRange],
        scavenging: Scavenging,
    ) -> Vec<SurfaceReport> {
        let in_order = |tree: u32| ranges.iter().any(|range| range.tree == tree);
        let segments = match scavenging {
            Scavenging::Later => SurfaceOutcome::Pending,
            Scavenging::Closed => self.scavenge_segments(in_order, false, &mut || ()),
            Scavenging::All => self.scavenge_segments(in_order, true, &mut || ()),
        };
        let report = |surface, outcome| SurfaceReport { surface, outcome };
        vec![
            report(ShredSurface::Keyring, SurfaceOutcome::Done),
            report(ShredSurface::KeyCaches, SurfaceOutcome::Done),
            report(ShredSurface::Segments, segments),
        ]
    }

    /// Drops the ciphertext of destroyed parts of these trees, in the active segment too; for
    /// orders that were given with [`Scavenging::Later`]. Blocks. `rest` is called each time that a
    /// piece was written, for whoever would not be in the way of others; `goes_on` is asked before
    /// each segment, and what is left then is answered as pending.
    ///
    /// Orders are kept waiting for one segment and never for all. A crash between two segments
    /// leaves ciphertext whose keys are gone: the scrub, or the next order in the same trees, drops
    /// it.
    pub fn scavenge_trees(
        &self,
        trees: &HashSet<u32>,
        rest: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> SurfaceOutcome {
        let matches = |tree| trees.contains(&tree);
        let all_closed = !self.shared.shelf.active_has_tree(matches) || self.roll();
        for first in self.shared.shelf.closed() {
            if !goes_on() {
                return SurfaceOutcome::Pending;
            }
            let _one_at_a_time = self.shredding.lock();
            let done = self.still_ours().map_err(ReadFault::from);
            let done = done.and_then(|()| self.scavenge_if(first, matches, rest));
            if let Err(error) = done {
                tracing::error!(%error, "scavenging failed; the keys are gone all the same");
                return SurfaceOutcome::Failed;
            }
        }
        if all_closed { SurfaceOutcome::Done } else { SurfaceOutcome::Failed }
    }

    fn scavenge_segments(
        &self,
        matches: impl Fn(u32) -> bool,
        roll: bool,
        rest: &mut dyn FnMut(),
    ) -> SurfaceOutcome {
        let mut in_active = self.shared.shelf.active_has_tree(&matches);
        if in_active && roll {
            in_active = !self.roll();
        }
        match self.scavenge_where(matches, rest) {
            Err(error) => {
                tracing::error!(%error, "scavenging failed; the keys are gone all the same");
                SurfaceOutcome::Failed
            }
            Ok(_) if in_active && roll => SurfaceOutcome::Failed,
            Ok(_) if in_active => SurfaceOutcome::Pending,
            Ok(_) => SurfaceOutcome::Done,
        }
    }

    pub(super) fn roll(&self) -> bool {
        let answer = self.shared.queue.roll();
        crate::durable::wait_for(answer).unwrap_or(false)
    }

    fn scavenge_where(
        &self,
        matches: impl Fn(u32) -> bool,
        rest: &mut dyn FnMut(),
    ) -> Result<Scavenged, ReadFault> {
        let mut total = Scavenged::default();
        for first in self.shared.shelf.closed() {
            let done = self.scavenge_if(first, &matches, rest)?;
            total.parts += done.parts;
            total.bytes += done.bytes;
        }
        Ok(total)
    }

    /// Scavenges a closed segment if it holds anything of these trees.
    fn scavenge_if(
        &self,
        first: LogPosition,
        matches: impl Fn(u32) -> bool,
        rest: &mut dyn FnMut(),
    ) -> Result<Scavenged, ReadFault> {
        if !self.shared.shelf.closed_has_tree(first, &matches)? {
            return Ok(Scavenged::default());
        }
        self.scavenge_segment(first, matches, rest)
    }

    fn scavenge_segment(
        &self,
        first: LogPosition,
        matches: impl Fn(u32) -> bool,
        rest: &mut dyn FnMut(),
    ) -> Result<Scavenged, ReadFault> {
        let vault = &self.shared.vault;
        let is_gone = |header: &EntryHeader, part: &facts::PartHeader, _| {
            let named = matches(part.stream_tree.0) || matches(part.person_tree.0);
            named && vault.is_gone(header, part)
        };
        scavenge_closed(&self.shared.shelf, &*self.disk, first, is_gone, rest)
    }

    /// Reports orders, or keeps what became of them until they are off-site, where they must be.
    fn report(
        &self,
        done: Vec<(LogPosition, Vec<SurfaceReport>)>,
        unreported: &mut Unreported,
    ) -> Result<Option<LogPosition>, ShredError> {
        if !self.options.orders_kept_offsite {
            return self.report_done(&done).map(Some);
        }
        for (order, reports) in done {
            unreported.remember(order, reports);
        }
        Ok(None)
    }

    /// Appends the reports of orders; the position of the first.
    pub(super) fn report_done(
        &self,
        done: &[(LogPosition, Vec<SurfaceReport>)],
    ) -> Result<LogPosition, ShredError> {
        self.disk.before(DestructionStep::Report).map_err(ReadFault::from)?;
        let mut batch = Batch::default();
        for (order, reports) in done {
            let done = ShredDone { order: *order, reports: reports.clone() };
            batch.drafts.extend(own_batch(&done).drafts);
        }
        let appended = self.append(batch)?;
        let position = appended.first;
        appended.durable.wait()?;
        Ok(position)
    }
}

/// Orders whose keys are destroyed.
struct CarriedOut {
    first: LogPosition,
    headers: Vec<EntryHeader>,
}
