//! The log as the rest of the program uses it.
//!
//! Owns the handle: appending, reading, destroying, closing. One [`Log`] holds the lease on its
//! data directory and one writing thread. Invariants: I1, I3, I4, I13.

mod append;
mod backup;
mod clock_watch;
mod error;
mod go_on;
mod ledger_key;
mod offsite;
mod open;
mod read;
mod scrub;
mod shred;
mod stat;

use std::{sync::Arc, thread::JoinHandle};

use facts::{Incarnation, LogId, LogPosition};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::{
    clock_watch::{CLOCK_JUMP_MS, ConfirmError},
    error::{ForkError, OpenError},
    go_on::{GoOn, REPEATED_RANGES_MAX},
    offsite::SealedOrder,
    read::RANGE_ENTRIES_MAX,
    scrub::ScrubPace,
    shred::{OrderOfMany, Scavenging, ShredError, ShredReceipt, ShredRequest},
    stat::LogStat,
};
use crate::{
    Clock, Disk, LogOptions, Random, StopReason, assign::Assigner, lease::Lease, shared::Shared,
};

/// An open log. Share it in an [`Arc`]; all methods take `&self`.
pub struct Log {
    options: LogOptions,
    pub(crate) shared: Arc<Shared>,
    assigner: Arc<Mutex<Assigner>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    disk: Arc<dyn Disk>,
    writer: Mutex<Option<JoinHandle<()>>>,
    clock_watch: clock_watch::ClockWatch,
    /// One destruction at a time.
    shredding: Mutex<offsite::Unreported>,
    torn_bytes: u64,
    lease: Mutex<Option<Lease>>,
}

impl Log {
    /// Identity of the log.
    pub fn log_id(&self) -> LogId {
        self.shared.log_id
    }

    /// The incarnation that new entries get.
    pub fn incarnation(&self) -> Incarnation {
        self.assigner.lock().incarnation()
    }

    /// Position of the last durable entry.
    pub fn head(&self) -> LogPosition {
        *self.shared.head.borrow()
    }

    /// Tells of every move of the durable head.
    pub fn subscribe(&self) -> watch::Receiver<LogPosition> {
        self.shared.head.subscribe()
    }

    /// Why the writer stopped, if it did. Reads go on.
    pub fn stopped(&self) -> Option<StopReason> {
        self.shared.queue.stopped()
    }

    /// Bytes of a torn last write that this start cut off.
    pub fn torn_bytes_at_start(&self) -> u64 {
        self.torn_bytes
    }

    /// What the log was opened with.
    pub fn options(&self) -> &LogOptions {
        &self.options
    }

    /// Writes what is queued, ends with a closing write and gives the lease back. Doing it again
    /// changes nothing.
    pub fn close(&self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the log's writing thread panicked");
            self.shared.queue.stop(StopReason::Disk);
        }
        self.lease.lock().take();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("log_id", &self.shared.log_id)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}
