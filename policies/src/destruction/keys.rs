//! The keys of the log, as a run uses them.
//!
//! Owns the port; tests hand in one that fails or dies in the middle.

use std::collections::HashSet;

use event_log::{Log, OrderOfMany, ReadFault, ShredError};
use facts::{EntryHeader, ExpectedRevision, LogPosition, StreamId, fact::SurfaceOutcome};

/// What must not have moved for an order to be given.
pub type Expects = (StreamId, ExpectedRevision);

/// Destroys keys and ciphertext. Everything here blocks.
pub trait Keys: Send + Sync + 'static {
    /// Whether a part's text can be read no more.
    fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool;

    /// Whether a durable stub stands for the message at a position.
    fn is_stubbed(&self, pdu: LogPosition) -> Result<bool, ReadFault>;

    /// Gives orders, all of them or none, and carries them out on the keyring; the ciphertext waits
    /// for [`Self::scavenge`]. Answers their positions.
    fn order(
        &self,
        orders: Vec<OrderOfMany>,
        expects: Expects,
    ) -> Result<Vec<LogPosition>, ShredError>;

    /// Carries out what was ordered and not carried out to its report.
    fn finish(&self) -> Result<(), ShredError>;

    /// Drops what has no keys any more in these trees; `rest` is called between two writes, for
    /// people wait for the same disk. Ends before the next segment where it is not to go on.
    fn scavenge(
        &self,
        trees: &HashSet<u32>,
        rest: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> SurfaceOutcome;

    /// The jump of the clock that nobody has confirmed.
    fn unconfirmed_clock_jump(&self) -> Option<LogPosition>;
}

impl Keys for Log {
    fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool {
        Self::is_destroyed(self, header, part)
    }

    fn is_stubbed(&self, pdu: LogPosition) -> Result<bool, ReadFault> {
        Self::is_stubbed(self, pdu)
    }

    fn order(
        &self,
        orders: Vec<OrderOfMany>,
        expects: Expects,
    ) -> Result<Vec<LogPosition>, ShredError> {
        // Copies outside of the log go once a run; the receipt of the run states them.
        self.order_shreds(orders, vec![expects])
    }

    fn finish(&self) -> Result<(), ShredError> {
        self.finish_orders()
    }

    fn scavenge(
        &self,
        trees: &HashSet<u32>,
        rest: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> SurfaceOutcome {
        self.scavenge_trees(trees, rest, goes_on)
    }

    fn unconfirmed_clock_jump(&self) -> Option<LogPosition> {
        Self::unconfirmed_clock_jump(self)
    }
}
