//! One exclusive lock for each active stream of a kind, with the fold that is decided on.
//!
//! Owns the bounded map of loaded folds. A command locks, decides, appends and lets go; nothing
//! waits for the disk or the network under the lock but the first load of a cold fold.
//! Invariants: I2, I7 (folds change through `Fold::evolve` alone), I10, I14.

mod guard;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use facts::{Batch, Draft, EntryHeader, ExpectedRevision, LogPosition, StreamId};
use parking_lot::Mutex;

pub use self::guard::ActorGuard;
pub(crate) use self::guard::Loaded;
use crate::{
    AppendError, CommandError, Core, Fault, Fold, ViewWait, fold_store::SavedFold,
    journal::PortFuture,
};

/// A decision is made anew at most this often when the stream moves under it.
pub const DECIDE_TRIES_MAX: usize = 16;

/// What a command decided.
#[derive(Debug)]
pub struct Decision<T> {
    /// What to append, as one; may be empty.
    pub drafts: Vec<Draft>,
    /// The answer.
    pub reply: T,
}

/// What a command did.
#[derive(Debug)]
pub struct Done<T> {
    /// The answer.
    pub reply: T,
    /// Headers of the entries, in order of the drafts; empty if nothing was appended.
    pub headers: Vec<EntryHeader>,
}

type SlotLock<F> = Arc<tokio::sync::Mutex<Option<Loaded<F>>>>;

struct Slot<F> {
    lock: SlotLock<F>,
    last_used: u64,
}

struct Slots<F> {
    by_stream: HashMap<StreamId, Slot<F>>,
    uses: u64,
}

/// The actors of one kind of stream.
pub struct Actors<F> {
    core: Arc<Core>,
    slots: Mutex<Slots<F>>,
    capacity: usize,
}

impl<F: Fold> Actors<F> {
    /// At most `capacity` idle folds stay in memory; twice as many may be active.
    pub fn new(core: Arc<Core>, capacity: usize) -> Self {
        Self { core, slots: Mutex::new(Slots { by_stream: HashMap::new(), uses: 0 }), capacity }
    }

    /// Locks a stream; its fold includes every entry that has a position, durable or not.
    pub async fn lock<R>(&self, stream: StreamId) -> Result<ActorGuard<F>, CommandError<R>> {
        let slot = self.slot(stream, false).ok_or_else(CommandError::busy)?;
        Ok(ActorGuard::locked(Arc::clone(&self.core), stream, slot).await?)
    }

    /// Locks, decides, appends, lets go, waits until it is durable and until the client view has
    /// passed it (boundedly), answers.
    ///
    /// `decide` may run several times: entries that others append to this stream make the decision
    /// stale, and it is made anew on the newer fold.
    pub async fn execute<T, R>(
        &self,
        stream: StreamId,
        decide: impl FnMut(&F) -> Result<Decision<T>, R>,
    ) -> Result<Done<T>, CommandError<R>> {
        self.execute_and_wait(stream, ViewWait::Bounded, decide).await
    }

    /// As [`Self::execute`]; says how to wait for the client view.
    pub async fn execute_and_wait<T, R>(
        &self,
        stream: StreamId,
        wait: ViewWait,
        mut decide: impl FnMut(&F) -> Result<Decision<T>, R>,
    ) -> Result<Done<T>, CommandError<R>> {
        for _ in 0..DECIDE_TRIES_MAX {
            let mut guard = self.lock(stream).await?;
            let decision = decide(guard.fold()).map_err(CommandError::Refusal)?;
            match guard.append(decision.drafts) {
                Err(AppendError::Moved) => {}
                Err(error) => return Err(error.into()),
                Ok(headers) => {
                    // An answer that appends nothing still rests on what may not be durable yet.
                    let rests_on = headers.last().map_or(guard.position(), |last| last.position);
                    guard.catch_up()?;
                    drop(guard);
                    self.core.settle(rests_on, wait).await?;
                    return Ok(Done { reply: decision.reply, headers });
                }
            }
        }
        Err(CommandError::busy())
    }

    /// The slot of a stream; `None` when too many are active. `always` for a flush, whose number
    /// of streams is bounded by the entries that wait for it.
    fn slot(&self, stream: StreamId, always: bool) -> Option<SlotLock<F>> {
        let mut slots = self.slots.lock();
        slots.uses += 1;
        let now = slots.uses;
        if let Some(slot) = slots.by_stream.get_mut(&stream) {
            slot.last_used = now;
            return Some(Arc::clone(&slot.lock));
        }
        if slots.by_stream.len() >= self.capacity {
            self.evict(&mut slots);
        }
        if slots.by_stream.len() >= self.capacity {
            self.core.flush_due.notify_one();
            if !always && slots.by_stream.len() >= 2 * self.capacity {
                return None;
            }
        }
        let lock = SlotLock::<F>::default();
        let slot = Slot { lock: Arc::clone(&lock), last_used: now };
        slots.by_stream.insert(stream, slot);
        Some(lock)
    }

    /// Forgets folds that nobody uses and that the store holds as they are, down to three
    /// quarters of the capacity, longest unused first.
    fn evict(&self, slots: &mut Slots<F>) {
        // Between saving a fold and committing it, the store does not hold it yet.
        let Ok(_no_flush) = self.core.flushing.try_lock() else {
            return;
        };
        self.evict_saved(slots);
    }

    /// The same by whoever keeps a flush from being half done.
    fn evict_saved(&self, slots: &mut Slots<F>) {
        let mut idle: Vec<_> = slots
            .by_stream
            .iter()
            .filter(|(_, slot)| Arc::strong_count(&slot.lock) == 1 && is_clean(&slot.lock))
            .map(|(stream, slot)| (slot.last_used, *stream))
            .collect();
        idle.sort_unstable();
        let surplus = slots.by_stream.len().saturating_sub(self.capacity / 4 * 3);
        for (_, stream) in idle.into_iter().take(surplus) {
            slots.by_stream.remove(&stream);
        }
    }

    fn trim(&self) {
        let mut slots = self.slots.lock();
        if slots.by_stream.len() > self.capacity {
            self.evict_saved(&mut slots);
        }
    }

    async fn save(&self, stream: StreamId) -> Result<Option<SavedFold>, Fault> {
        let slot = self.slot(stream, true);
        let slot = slot.expect("a flush always gets its slot");
        let mut guard = ActorGuard::locked(Arc::clone(&self.core), stream, slot).await?;
        Ok(guard.save())
    }

    /// Makes a fold anew from the log, and gives all of it; under the lock of a flush.
    pub(crate) async fn refold(
        &self,
        stream: StreamId,
        own: Vec<LogPosition>,
        upto: LogPosition,
    ) -> Result<SavedFold, Fault> {
        let slot = self.slot(stream, true);
        let slot = slot.expect("whoever makes a fold anew always gets its slot");
        let mut guard = ActorGuard::locked(Arc::clone(&self.core), stream, slot).await?;
        guard.refold(own, upto).await
    }
}

fn is_clean<F: Fold>(lock: &SlotLock<F>) -> bool {
    lock.try_lock().is_ok_and(|loaded| loaded.as_ref().is_none_or(Loaded::is_clean))
}

/// Actors of any kind, as the flusher sees them.
pub(crate) trait FoldKind: Send + Sync {
    /// Catches a fold up and gives its changed rows.
    fn save(&self, stream: StreamId) -> PortFuture<'_, Result<Option<SavedFold>, Fault>>;

    /// Forgets idle folds above the capacity; at the end of a flush, which loads what it saves, and
    /// under its lock.
    fn trim(&self);
}

impl<F: Fold> FoldKind for Actors<F> {
    fn save(&self, stream: StreamId) -> PortFuture<'_, Result<Option<SavedFold>, Fault>> {
        Box::pin(Actors::save(self, stream))
    }

    fn trim(&self) {
        Actors::trim(self);
    }
}

/// A batch of drafts that holds only while `stream` is at `revision`.
pub(crate) fn batch_at(drafts: Vec<Draft>, stream: StreamId, revision: facts::Revision) -> Batch {
    Batch { drafts, expects: vec![(stream, ExpectedRevision::Exactly(revision))] }
}
