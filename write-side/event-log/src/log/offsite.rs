//! Orders to destroy and closed segments, for whoever keeps them off-site.
//!
//! Owns that, where orders are to be kept off-site ([`crate::LogOptions::orders_kept_offsite`]),
//! none is reported carried out before somebody has said that it is there (LOG.md section 6). The
//! keys go at once all the same: only the report waits. A crash meanwhile leaves an order without
//! report, which is found again at the next start.

use facts::{
    Incarnation, LogPosition,
    fact::{ShredOrdered, ShredSurface, SurfaceOutcome, SurfaceReport},
};

use super::{
    Log,
    shred::{Scavenging, ShredError},
};
use crate::Digest;

/// Outcomes that are remembered of orders without report; of more, the segments are looked at
/// again.
const REMEMBERED_MAX: usize = 10_000;

/// What became of orders that are not reported yet.
#[derive(Debug, Default)]
pub(super) struct Unreported(std::collections::BTreeMap<LogPosition, Vec<SurfaceReport>>);

impl Unreported {
    pub(super) fn remember(&mut self, order: LogPosition, reports: Vec<SurfaceReport>) {
        if self.0.len() < REMEMBERED_MAX {
            self.0.insert(order, reports);
        }
    }
}

/// An order to destroy as it lies in the log: sealed, so that it counts wherever it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOrder {
    /// Where it stands.
    pub position: LogPosition,
    /// In which incarnation.
    pub incarnation: Incarnation,
    /// Digest of its entry.
    pub digest: Digest,
    /// Its frame; [`crate::backup::open_order`] reads it.
    pub frame: Vec<u8>,
}

impl Log {
    /// Orders behind a position that are durable, as they lie in the log: the first `most`.
    pub fn sealed_orders_after(
        &self,
        position: LogPosition,
        most: usize,
    ) -> Result<Vec<SealedOrder>, ShredError> {
        let head = self.head();
        let after = self.shared.index.lock().orders_after(position)?;
        let mut found = Vec::new();
        for position in after.into_iter().filter(|order| *order <= head).take(most) {
            let Some(frame) = self.shared.shelf.frame(position)? else { continue };
            let mut bytes = Vec::new();
            frame.encode_into(&mut bytes);
            let (incarnation, digest) = (frame.header.incarnation, frame.digest());
            found.push(SealedOrder { position, incarnation, digest, frame: bytes });
        }
        Ok(found)
    }

    /// Says that every order up to a position is kept off-site: those without report are finished
    /// where they are not, and reported. Answers how many. Blocks.
    pub fn orders_are_offsite(&self, through: LogPosition) -> Result<u64, ShredError> {
        let mut unreported = self.shredding.lock();
        let undone: Vec<LogPosition> =
            self.shared.index.lock().undone().range(..=through).copied().collect();
        let mut reported = 0;
        for order in undone {
            let Some(ShredOrdered { ranges, .. }) = self.shared.fact_at(order)? else { continue };
            // One whose keyring could not be rewritten then is tried again.
            self.shared.vault.destroy(&ranges, order)?;
            let known = unreported.0.remove(&order);
            let mut reports =
                known.unwrap_or_else(|| self.log_surfaces(&ranges, Scavenging::Closed));
            let surface = ShredSurface::Offsite;
            reports.push(SurfaceReport { surface, outcome: SurfaceOutcome::Done });
            self.report_done(&[(order, reports)])?;
            reported += 1;
        }
        Ok(reported)
    }

    /// Orders that have no report yet.
    pub fn orders_unreported(&self) -> usize {
        self.shared.index.lock().undone().len()
    }

    /// The last entry that is in a closed segment; `None` while there is no such segment.
    pub fn closed_through(&self) -> Option<LogPosition> {
        // In this order: what became durable after the head was read does not count.
        let head = self.head();
        let (closed, all) = (self.shared.shelf.closed(), self.shared.shelf.segments());
        let open = all.get(closed.len()).map(|first| LogPosition(first.0.saturating_sub(1)));
        closed.last().map(|_| open.map_or(head, |before| before.min(head)))
    }

    /// Closes the open segment, so that it will not change any more; false where that failed.
    /// Blocks.
    pub fn close_segment(&self) -> bool {
        self.roll()
    }
}
