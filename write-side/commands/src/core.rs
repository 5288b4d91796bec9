//! The shared middle of the write side: appending, and looking up across streams.
//!
//! Owns the order of appends: an entry gets its position and enters `Recent` under one lock, so
//! folds see entries in the order of the log. Nothing waits for the disk under that lock.
//! Invariants: I3, I4, I13 (once stopped, everything is refused).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use facts::{Batch, EntryHeader, Fact, LogPosition, StreamId, Timestamp, fact::StreamKind};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    AppendError, CommandError, Fault, FoldStoreFault, Journal, ViewWatch,
    fold_store::FoldStore,
    index::{TXN_KEPT_MS, TxnDone, TxnKey},
    known_names::KnownNames,
    recent::Recent,
    view_watch::VIEW_WAIT_MAX,
};

/// What actors and commands share.
pub struct Core {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) store: FoldStore,
    view: Arc<dyn ViewWatch>,
    recent: Mutex<Recent>,
    names: KnownNames,
    /// Placements of stored PDUs that were appended; moves before the room's lock is let go.
    placements: AtomicU64,
    /// Set when the store of folds failed or a fold did not take a fact that was appended.
    stopped: AtomicBool,
    /// Wakes the flusher.
    pub(crate) flush_due: Arc<Notify>,
    /// Held while a flush runs; nothing is evicted meanwhile.
    pub(crate) flushing: tokio::sync::Mutex<()>,
}

/// Whether an answer may leave before the client view has passed its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewWait {
    /// Waits at most [`VIEW_WAIT_MAX`].
    Bounded,
    /// Waits until the view has passed: revocations.
    Full,
}

impl Core {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        store: FoldStore,
        view: Arc<dyn ViewWatch>,
    ) -> Self {
        Self {
            journal,
            store,
            view,
            recent: Mutex::new(Recent::default()),
            names: KnownNames::default(),
            placements: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            flush_due: Arc::new(Notify::new()),
            flushing: tokio::sync::Mutex::new(()),
        }
    }

    /// Appends a batch; answers the headers of its entries. Nothing is durable yet: no answer
    /// leaves before [`Core::settle`] (I3).
    pub fn append(&self, batch: Batch) -> Result<Vec<EntryHeader>, AppendError> {
        // Before the lock, for others wait for it.
        let facts = decode_drafts(&batch)?;
        self.append_decoded(|_| Ok((batch, facts)))
    }

    /// Builds a batch and appends it with nothing in between, so that what `build` looked up
    /// still holds: the way to reserve a name.
    pub(crate) fn append_under_lock<E: From<AppendError>>(
        &self,
        build: impl FnOnce(&Recent) -> Result<Batch, E>,
    ) -> Result<Vec<EntryHeader>, E> {
        self.append_decoded(|recent| {
            let batch = build(recent)?;
            let facts = decode_drafts(&batch)?;
            Ok((batch, facts))
        })
    }

    fn append_decoded<E: From<AppendError>>(
        &self,
        build: impl FnOnce(&Recent) -> Result<(Batch, Facts), E>,
    ) -> Result<Vec<EntryHeader>, E> {
        if self.is_stopped() {
            return Err(AppendError::Stopped.into());
        }
        let mut recent = self.recent.lock();
        if recent.is_full() {
            self.flush_due.notify_one();
            return Err(AppendError::Full.into());
        }
        let (batch, facts) = build(&recent)?;
        if batch.drafts.is_empty() {
            return Ok(Vec::new());
        }
        let headers = self.journal.append_known(batch, &facts)?;
        if facts.iter().any(|fact| matches!(fact.as_deref(), Some(Fact::PduPlaced(_)))) {
            self.placements.fetch_add(1, Ordering::SeqCst);
        }
        for (header, fact) in headers.iter().zip(facts) {
            recent.push(header.clone(), fact);
        }
        if recent.flush_is_due() {
            self.flush_due.notify_one();
        }
        Ok(headers)
    }

    /// Waits until `position` is durable and, boundedly, until the client view has passed it.
    pub async fn settle<R>(
        &self,
        position: LogPosition,
        wait: ViewWait,
    ) -> Result<(), CommandError<R>> {
        match wait {
            ViewWait::Full => {
                self.durable(position).await?;
                self.view.passed(position).await;
            }
            ViewWait::Bounded => {
                let passed = tokio::time::timeout(VIEW_WAIT_MAX, self.view.passed(position)).await;
                if passed.is_err() {
                    metrics::counter!("chancery_view_wait_expired_total").increment(1);
                }
                // What the view has passed is durable; everything else is waited for (I3).
                if passed != Ok(true) {
                    self.durable(position).await?;
                }
            }
        }
        Ok(())
    }

    /// Waits until `position` is durable.
    pub async fn durable<R>(&self, position: LogPosition) -> Result<(), CommandError<R>> {
        let durable = self.journal.durable(position).await;
        durable.map_err(|_| CommandError::Stopped)
    }

    /// The stream with this name, durable or not yet.
    pub fn stream_named(
        &self,
        kind: StreamKind,
        name: &str,
    ) -> Result<Option<StreamId>, FoldStoreFault> {
        if let Some(stream) = self.names.get(kind, name) {
            return Ok(Some(stream));
        }
        // The order matters: an entry leaves `recent` only once the store holds it.
        let recent = self.recent.lock().stream_named(kind, name);
        let found = match recent {
            Some(stream) => Some(stream),
            None => self.store.stream_named(kind, name)?,
        };
        if let Some(stream) = found {
            self.names.keep(kind, name, stream);
        }
        Ok(found)
    }

    /// Kind and name of a stream.
    pub fn stream(&self, stream: StreamId) -> Result<Option<(StreamKind, String)>, FoldStoreFault> {
        let recent = self.recent.lock().stream(stream);
        match recent {
            Some(found) => Ok(Some(found)),
            None => self.store.stream(stream),
        }
    }

    /// Where an event is stored, durable or not yet.
    pub fn event_position(&self, event_id: &str) -> Result<Option<LogPosition>, FoldStoreFault> {
        let recent = self.recent.lock().event(event_id);
        match recent {
            Some(position) => Ok(Some(position)),
            None => self.store.event(event_id),
        }
    }

    /// The entry that placed a PDU last, if it was placed after it was stored.
    pub fn placement(&self, pdu: LogPosition) -> Result<Option<LogPosition>, FoldStoreFault> {
        let recent = self.recent.lock().placement(pdu);
        match recent {
            Some(position) => Ok(Some(position)),
            None => self.store.placement(pdu),
        }
    }

    /// Changes whenever a PDU that was stored before is placed.
    pub(crate) fn placements(&self) -> u64 {
        self.placements.load(Ordering::SeqCst)
    }

    /// What became of a client's transaction within the last 30 days before `now`.
    pub fn txn(&self, key: &TxnKey, now: Timestamp) -> Result<Option<TxnDone>, FoldStoreFault> {
        let recent = self.recent.lock().txn(key);
        let done = match recent {
            Some(done) => Some(done),
            None => self.store.txn(key)?,
        };
        Ok(done.filter(|done| now.0.saturating_sub(done.recorded_at.0) < TXN_KEPT_MS))
    }

    /// Refuses everything from now on: what is in memory may not be what is in the log (I13).
    pub(crate) fn stop(&self, why: &Fault) {
        tracing::error!(error = ?why, "the write side stops; restart to go on");
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// True once nothing is accepted any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn with_recent<T>(&self, with: impl FnOnce(&mut Recent) -> T) -> T {
        with(&mut self.recent.lock())
    }
}

/// What drafts decode to.
type Facts = Vec<Option<Arc<Fact>>>;

/// Decodes the very bytes that are appended: a live fold and a rebuilt one cannot differ (I7).
fn decode_drafts(batch: &Batch) -> Result<Facts, AppendError> {
    let decode = |draft: &facts::Draft| {
        let parts: Vec<_> = draft.parts.iter().map(|part| Some(part.bytes.as_slice())).collect();
        Fact::from_parts(draft.fact_type, draft.fact_version, &parts)
            .map(|fact| fact.map(Arc::new))
            .map_err(|error| AppendError::Malformed(error.to_string()))
    };
    batch.drafts.iter().map(decode).collect()
}
