//! Going on from an older copy (LOG.md section 1): after a restore, or after the log's end was
//! lost or cut.
//!
//! Owns the order of steps. A later incarnation must be none that anybody has seen, and what was
//! ordered destroyed in the part that is given up is ordered again in the same batch that raises
//! the incarnation: no crash leaves one without the other.
//! Invariants: I3, I4, I6.

use facts::{
    Batch, Incarnation, LogPosition,
    fact::{ForkReason, ShredCause, ShredOrdered},
};

use super::{Log, append::own_batch};
use crate::{AppendRefusal, ForkError, KeyRange, assign::Assigner};

/// Ranges in one order that is repeated; the part of an entry is bounded.
const RANGES_PER_ORDER: usize = 2_000;
/// Key ranges that are repeated at once; a batch is bounded.
pub const REPEATED_RANGES_MAX: usize = 50_000;
/// Incarnations that are passed over, because somebody has seen them.
const PASSED_OVER_MAX: u32 = 1_000;

/// How to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoOn {
    /// Why the log goes on from an older copy.
    pub reason: ForkReason,
    /// The highest incarnation that anybody is known to have seen.
    pub above: Incarnation,
    /// Orders of the part that is given up, to be carried out here too.
    pub orders: Vec<ShredOrdered>,
}

impl Log {
    /// Raises the incarnation above all that were seen and carries out the orders of the part that
    /// is given up. Answers the new incarnation. Blocks; nothing else may be appended meanwhile.
    ///
    /// A crash before the last entry leaves an incarnation that holds nothing, and the next call
    /// passes over it; one after it leaves orders that the next start carries out before the
    /// first read.
    pub fn go_on(&self, how: GoOn) -> Result<Incarnation, ForkError> {
        let orders = bounded(how.orders)?;
        let current = self.incarnation();
        if how.above.0.saturating_sub(current.0) > PASSED_OVER_MAX {
            return Err(ForkError::TooFar { current, above: how.above });
        }
        // First: in an incarnation of its own an order must not pass for one that is known.
        self.shared.vault.keyring().forget_orders_after(self.head())?;
        while self.incarnation() < how.above {
            self.fork(how.reason)?.durable.wait()?;
        }
        self.fork_with(how.reason, &orders)?.durable.wait()?;
        self.finish_orders().map_err(|error| ForkError::Orders(Box::new(error)))?;
        Ok(self.incarnation())
    }

    /// `LogForked` and the orders, in one batch.
    pub(super) fn fork_with(
        &self,
        reason: ForkReason,
        orders: &[ShredOrdered],
    ) -> Result<crate::Appended, ForkError> {
        let head = self.head();
        let digest = self.read_raw(head)?.ok_or(ForkError::NotQuiet)?.digest;
        let expected = head.next();
        if self.assigner.lock().next() != expected {
            return Err(ForkError::NotQuiet);
        }
        let forked = facts::fact::LogForked { old_head: head, old_digest: digest, reason };
        let mut batch = own_batch(&forked);
        for order in orders {
            let Batch { drafts, .. } = own_batch(order);
            batch.drafts.extend(drafts);
        }
        let raise = |assigner: &mut Assigner| {
            if assigner.next() != expected {
                return Err(AppendRefusal::Busy);
            }
            assigner.fork();
            Ok(())
        };
        let ending: Vec<KeyRange> = orders.iter().flat_map(|order| order.ranges.clone()).collect();
        Ok(self.append_with(batch, &[], raise, &ending)?)
    }

    /// Position of the last order whose destruction the keyring knows.
    pub fn destroyed_through(&self) -> LogPosition {
        self.shared.vault.keyring().applied_through()
    }
}

/// The orders in pieces that fit entries, the ranges of one cause together.
fn bounded(orders: Vec<ShredOrdered>) -> Result<Vec<ShredOrdered>, ForkError> {
    let count: usize = orders.iter().map(|order| order.ranges.len()).sum();
    if count > REPEATED_RANGES_MAX {
        return Err(ForkError::TooManyRanges(count));
    }
    let mut causes: Vec<(ShredCause, Vec<KeyRange>)> = Vec::new();
    for order in orders {
        match causes.iter_mut().find(|(cause, _)| *cause == order.cause) {
            Some((_, ranges)) => ranges.extend(order.ranges),
            None => causes.push((order.cause, order.ranges)),
        }
    }
    let pieces = causes.iter().flat_map(|(cause, ranges)| {
        ranges
            .chunks(RANGES_PER_ORDER)
            .map(|piece| ShredOrdered { ranges: piece.to_vec(), cause: *cause })
    });
    Ok(pieces.collect())
}
