//! The keys of the log, as a run uses them.
//!
//! Owns the port; tests hand in one that fails or dies in the middle.

use std::collections::HashSet;

use event_log::{Log, OrderContents, Scavenging, ShredError, ShredReceipt, ShredRequest};
use facts::{
    EntryHeader, ExpectedRevision, LogPosition, StreamId,
    fact::{KeyRange, ShredCause, SurfaceOutcome},
};

/// An order that a run gives.
#[derive(Clone, Debug)]
pub struct Order {
    /// What to destroy.
    pub ranges: Vec<KeyRange>,
    /// Why.
    pub cause: ShredCause,
    /// What must not have moved.
    pub expects: (StreamId, ExpectedRevision),
    /// What it takes.
    pub contents: OrderContents,
}

/// Destroys keys and ciphertext. Everything here blocks.
pub trait Keys: Send + Sync + 'static {
    /// Whether a part's text can be read no more.
    fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool;

    /// Gives an order and carries it out on the keyring; the ciphertext waits for
    /// [`Self::scavenge`].
    fn order(&self, order: Order) -> Result<ShredReceipt, ShredError>;

    /// Carries out what was ordered and not carried out to its report.
    fn finish(&self) -> Result<(), ShredError>;

    /// Drops what has no keys any more in these trees.
    fn scavenge(&self, trees: &HashSet<u32>) -> SurfaceOutcome;

    /// The jump of the clock that nobody has confirmed.
    fn unconfirmed_clock_jump(&self) -> Option<LogPosition>;
}

impl Keys for Log {
    fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool {
        Self::is_destroyed(self, header, part)
    }

    fn order(&self, order: Order) -> Result<ShredReceipt, ShredError> {
        let Order { ranges, cause, expects, contents } = order;
        let request =
            ShredRequest { ranges, cause, expects: vec![expects], scavenging: Scavenging::Later };
        // Copies outside of the log go once a run; the receipt of the run states them.
        self.order_shred_of(request, Some(contents), |_| Vec::new())
    }

    fn finish(&self) -> Result<(), ShredError> {
        self.finish_orders()
    }

    fn scavenge(&self, trees: &HashSet<u32>) -> SurfaceOutcome {
        self.scavenge_trees(trees)
    }

    fn unconfirmed_clock_jump(&self) -> Option<LogPosition> {
        Self::unconfirmed_clock_jump(self)
    }
}
