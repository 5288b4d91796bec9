//! A locked stream and its loaded fold.
//!
//! Owns loading a cold fold from the store and catching up with recent entries. A fold that did
//! not take an appended fact stops the write side: nothing may be decided on it (I13).

use std::sync::Arc;

use facts::{Draft, EntryHeader, LogPosition, Revision, StreamId};
use tokio::sync::OwnedMutexGuard;

use super::{SlotLock, batch_at};
use crate::{
    AppendError, Core, Fault, Fold, JournalEntry,
    fold_store::{Applied, SavedFold},
};

/// A fold in memory and its progress.
pub(crate) struct Loaded<F> {
    fold: F,
    applied: Option<Applied>,
    /// The store holds the fold as of this entry, or the flush that runs is about to commit it;
    /// if that fails the write side stops.
    saved: Option<LogPosition>,
}

impl<F> Loaded<F> {
    pub(crate) fn is_clean(&self) -> bool {
        self.applied.map(|applied| applied.position) == self.saved
    }
}

/// Exclusive use of a stream. Folds of several streams are locked in order of their numbers.
pub struct ActorGuard<F: Fold> {
    core: Arc<Core>,
    stream: StreamId,
    slot: OwnedMutexGuard<Option<Loaded<F>>>,
}

impl<F: Fold> ActorGuard<F> {
    pub(super) async fn locked(
        core: Arc<Core>,
        stream: StreamId,
        slot: SlotLock<F>,
    ) -> Result<Self, Fault> {
        let mut slot = slot.lock_owned().await;
        if slot.is_none() {
            let loading = Arc::clone(&core);
            let load = tokio::task::spawn_blocking(move || load::<F>(&loading, stream));
            let loaded = load
                .await
                .map_err(|error| Fault::Unfit(format!("loading a fold failed: {error}")))??;
            *slot = Some(loaded);
        }
        let mut guard = Self { core, stream, slot };
        guard.catch_up()?;
        Ok(guard)
    }

    /// The fold.
    pub fn fold(&self) -> &F {
        &self.loaded().fold
    }

    /// The stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// The last entry that the fold includes; it may not be durable yet.
    pub fn position(&self) -> LogPosition {
        let applied = self.loaded().applied;
        applied.map_or(LogPosition(self.stream.0), |applied| applied.position)
    }

    /// The stream's revision.
    pub fn revision(&self) -> Revision {
        let applied = self.loaded().applied;
        applied.map_or(Revision(0), |applied| applied.revision)
    }

    /// Appends drafts that were decided on this fold; [`AppendError::Moved`] if somebody else
    /// appended to the stream meanwhile. Catch up before deciding again.
    pub fn append(&self, drafts: Vec<Draft>) -> Result<Vec<EntryHeader>, AppendError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.core.append(batch_at(drafts, self.stream, self.revision()))
    }

    /// Applies the stream's recent entries.
    pub fn catch_up(&mut self) -> Result<(), Fault> {
        let applied = self.loaded().applied.map(|applied| applied.position);
        let entries = self.core.with_recent(|recent| recent.after(self.stream, applied));
        let loaded = self.slot.as_mut().expect("a guard's fold is loaded");
        for entry in entries {
            if let Err(unfit) = loaded.fold.evolve(&entry.header, entry.fact.as_deref()) {
                let fault = Fault::Unfit(format!("position {}: {unfit}", entry.header.position));
                self.core.stop(&fault);
                return Err(fault);
            }
            loaded.applied =
                Some(Applied { position: entry.header.position, revision: entry.header.revision });
        }
        Ok(())
    }

    pub(super) fn save(&mut self) -> Option<SavedFold> {
        let loaded = self.slot.as_mut().expect("a guard's fold is loaded");
        if loaded.is_clean() {
            return None;
        }
        loaded.saved = loaded.applied.map(|applied| applied.position);
        loaded.applied.map(|applied| SavedFold {
            stream: self.stream,
            applied,
            rows: loaded.fold.save(),
        })
    }

    /// Begins anew with what can be read of the stream: its entries `own` up to `upto`, and all
    /// that came since. Nobody decides on it meanwhile.
    pub(super) async fn refold(
        &mut self,
        own: Vec<LogPosition>,
        upto: LogPosition,
    ) -> Result<SavedFold, Fault> {
        let (core, stream) = (Arc::clone(&self.core), self.stream);
        let folding = tokio::task::spawn_blocking(move || refolded::<F>(&core, stream, own, upto));
        let folded = folding
            .await
            .map_err(|error| Fault::Unfit(format!("making a fold anew broke off: {error}")))??;
        *self.slot = Some(folded);
        self.catch_up()?;
        let position = self.position();
        self.core
            .journal
            .durable(position)
            .await
            .map_err(|error| Fault::Unfit(error.to_string()))?;
        let empty = || Fault::Unfit(format!("stream {stream} has no entry"));
        self.save().ok_or_else(empty)
    }

    fn loaded(&self) -> &Loaded<F> {
        self.slot.as_ref().expect("a guard's fold is loaded")
    }
}

/// Entries read at once.
const CHUNK_ENTRIES: usize = 1_000;

fn refolded<F: Fold>(
    core: &Core,
    stream: StreamId,
    own: Vec<LogPosition>,
    upto: LogPosition,
) -> Result<Loaded<F>, Fault> {
    let (_, name) = core
        .stream(stream)?
        .ok_or_else(|| Fault::Unfit(format!("stream {stream} is not known")))?;
    let mut loaded = Loaded { fold: F::opened(stream, &name), applied: None, saved: None };
    for position in own {
        if let Some(entry) = core.journal.read(position)? {
            loaded.apply(&entry)?;
        }
    }
    let mut next = upto.next();
    loop {
        let entries = core.journal.read_range(next, CHUNK_ENTRIES)?;
        let Some(last) = entries.last() else { return Ok(loaded) };
        next = last.header.position.next();
        for entry in entries.iter().filter(|entry| entry.header.stream == stream) {
            loaded.apply(entry)?;
        }
    }
}

impl<F: Fold> Loaded<F> {
    fn apply(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        let header = &entry.header;
        self.fold
            .evolve(header, entry.fact.as_ref())
            .map_err(|unfit| Fault::Unfit(format!("position {}: {unfit}", header.position)))?;
        self.applied = Some(Applied { position: header.position, revision: header.revision });
        Ok(())
    }
}

fn load<F: Fold>(core: &Core, stream: StreamId) -> Result<Loaded<F>, Fault> {
    let (kind, name) = core
        .stream(stream)?
        .ok_or_else(|| Fault::Unfit(format!("stream {stream} is not known")))?;
    if kind != F::KIND {
        return Err(Fault::Unfit(format!("stream {stream} is of another kind")));
    }
    match core.store.fold(stream)? {
        None => Ok(Loaded { fold: F::opened(stream, &name), applied: None, saved: None }),
        Some((applied, rows)) => Ok(Loaded {
            fold: F::load(stream, &name, rows).map_err(|unfit| Fault::Unfit(unfit.to_string()))?,
            applied: Some(applied),
            saved: Some(applied.position),
        }),
    }
}
