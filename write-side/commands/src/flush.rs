//! Moving folds and index rows into the fold store.
//!
//! Owns the order of a flush: (1) take the last position C; (2) lock each stream with recent
//! entries, catch it up, take its changed rows, perhaps of entries after C; (3) wait until all of
//! them are durable in the log; (4) commit rows and checkpoint C as one; (5) forget recent
//! entries up to C. A fold that is ahead of C carries its own progress, so replay from C skips
//! what it holds (I5). A crash anywhere leaves the previous checkpoint.

use std::{collections::HashMap, sync::Arc};

use facts::{LogPosition, StreamId, Timestamp, fact::StreamKind};

use crate::{
    Core, Fault, JournalFault,
    actors::FoldKind,
    fold_store::{FoldCheckpoint, SavedFold},
};

/// The kinds of streams that have folds.
pub(crate) type FoldKinds = HashMap<StreamKind, Arc<dyn FoldKind>>;

/// Flushes once. `Ok(false)` when there is nothing to flush or the writer has stopped.
pub(crate) async fn flush(core: &Arc<Core>, kinds: &FoldKinds) -> Result<bool, Fault> {
    let flushing = core.flushing.lock().await;
    if core.is_stopped() {
        return Ok(false);
    }
    let Some((last, streams)) = core.with_recent(|recent| {
        let last = recent.last().cloned()?;
        Some((last, recent.streams()))
    }) else {
        trim(kinds);
        return Ok(false);
    };
    let (upto, now) = (last.position, last.recorded_at);
    let mut folds = Vec::new();
    for stream in streams {
        if let Some(kind) = kind_of(core, stream)?.and_then(|kind| kinds.get(&kind)) {
            folds.extend(kind.save(stream).await?);
        }
    }
    let furthest = folds
        .iter()
        .map(|fold| fold.applied.position)
        .max()
        .map_or(upto, |furthest| furthest.max(upto));
    if core.journal.durable(furthest).await.is_err() {
        return Ok(false);
    }
    let committing = Arc::clone(core);
    let commit = tokio::task::spawn_blocking(move || commit(&committing, upto, folds, now));
    let committed =
        commit.await.unwrap_or_else(|error| Err(Fault::Unfit(format!("a flush failed: {error}"))));
    if let Err(fault) = committed {
        core.stop(&fault);
        return Err(fault);
    }
    core.with_recent(|recent| recent.forget(upto));
    // Still under the lock: a flush that follows at once must not keep this one from making room.
    trim(kinds);
    drop(flushing);
    Ok(true)
}

fn trim(kinds: &FoldKinds) {
    for kind in kinds.values() {
        kind.trim();
    }
}

fn commit(
    core: &Core,
    upto: LogPosition,
    folds: Vec<SavedFold>,
    now: Timestamp,
) -> Result<(), Fault> {
    let checkpoint = FoldCheckpoint::at(core.journal.as_ref(), upto)?.ok_or_else(|| {
        let missing = format!("durable entry {upto} has no digest");
        Fault::Log(JournalFault(missing.into()))
    })?;
    let entries = core.with_recent(|recent| recent.up_to(upto));
    let rows = entries.iter().flat_map(|entry| entry.rows());
    core.store.commit(&checkpoint, rows, folds, now)?;
    Ok(())
}

fn kind_of(core: &Core, stream: StreamId) -> Result<Option<StreamKind>, Fault> {
    Ok(core.stream(stream)?.map(|(kind, _)| kind))
}
