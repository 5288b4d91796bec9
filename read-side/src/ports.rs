//! What reading causes, and what it reads that is no view.
//!
//! Owns the ports of the read side: [`Wishes`] (commands, best effort), [`MediaBlobs`] (sealed
//! files), [`KeepingRules`] (what policies hide) and [`Remote`] (what takes asking other servers). The composition root implements them;
//! a reading node may have none.

use std::{ops::Range, pin::Pin, sync::Arc};

use bytes::Bytes;
use decide::policy::InForce;
use facts::{
    LogPosition, StreamId,
    fact::{MediaStored, TimelinePlace},
};
use futures_util::Stream;

/// A wish that reading causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The device has every message up to this position.
    AcknowledgeToDevice {
        /// The person.
        user: StreamId,
        /// User id.
        user_id: String,
        /// Device id.
        device_id: String,
        /// The last position that the device has.
        through: LogPosition,
    },
}

/// Resolves when a wish was carried out, or given up.
pub type WishFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes wishes, best effort: a wish that is lost is wished again by the next request.
pub trait Wishes: Send + Sync + 'static {
    /// Takes a wish; never blocks. Whoever drops the future does not wait.
    fn wish(&self, wish: Wish) -> WishFuture;
}

/// Why a blob cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The file is not there.
    #[error("the blob is gone")]
    Gone,
    /// The file is damaged or the disk failed.
    #[error("the blob could not be read")]
    Fault(#[source] std::io::Error),
}

/// Clear bytes of a blob.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// Opens sealed blobs.
pub trait MediaBlobs: Send + Sync + 'static {
    /// Streams a range of a blob's clear bytes.
    fn read(&self, media: &MediaStored, range: Range<u64>) -> BlobStream;
}

/// What is in force of policies, holds and erasures.
pub trait KeepingRules: Send + Sync + 'static {
    /// The rules by which records are hidden now; never blocks.
    fn in_force(&self) -> Arc<InForce>;
}

/// For a server that hides nothing.
#[derive(Clone, Debug, Default)]
pub struct KeepEverything(Arc<InForce>);

impl KeepingRules for KeepEverything {
    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.0)
    }
}

/// A place in a room's history before which events are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryGap {
    /// Room.
    pub room: StreamId,
    /// Room id.
    pub room_id: String,
    /// Place of the event whose previous events are missing.
    pub place: TimelinePlace,
    /// Ids of the missing events.
    pub missing: Vec<String>,
}

/// What came of asking for missing history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backfill {
    /// Nobody could be asked.
    Unavailable,
    /// Others were asked and had nothing.
    Nothing,
    /// Events were placed; a view that passed this position shows them.
    Added {
        /// The last entry that placed one.
        upto: LogPosition,
    },
}

/// Resolves when missing history came, or will not.
pub type BackfillFuture = Pin<Box<dyn Future<Output = Backfill> + Send>>;

/// Asks other servers for what the log does not have.
pub trait Remote: Send + Sync + 'static {
    /// Asks for events of a gap; never blocks. The caller waits a bounded time and then drops the
    /// future: what comes later is there for the next request. The implementation decides how
    /// often the same gap is really asked for.
    fn backfill(&self, gap: HistoryGap) -> BackfillFuture {
        drop(gap);
        Box::pin(std::future::ready(Backfill::Unavailable))
    }
}

/// For a server that asks no others.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRemote;

impl Remote for NoRemote {}
