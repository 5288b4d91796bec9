//! Bringing the fold store up to the head of the log before the first decision.
//!
//! Owns the replay at start. It pushes entries where live appends push them and flushes as often,
//! so it is the same code as normal operation (I7) and its memory is bounded (I10).

use std::sync::Arc;

use facts::LogPosition;

use crate::{
    Core, Fault, Journal,
    flush::{FoldKinds, flush},
};

/// Entries read before they are applied.
const CHUNK_ENTRIES: usize = 1_000;

/// Where replay begins: after the checkpoint, or at the first entry. A checkpoint that is not of
/// this log as it stands is no checkpoint: `None` means that the store must be thrown away.
pub(crate) fn replay_from(
    journal: &dyn Journal,
    store: &crate::fold_store::FoldStore,
) -> Result<Option<LogPosition>, Fault> {
    match store.checkpoint()? {
        Some(checkpoint) if checkpoint.matches(journal)? => Ok(Some(checkpoint.position.next())),
        _ => Ok(None),
    }
}

/// Replays from `from` to the durable head.
pub(crate) async fn catch_up(
    core: &Arc<Core>,
    kinds: &FoldKinds,
    from: LogPosition,
) -> Result<(), Fault> {
    let mut next = from;
    loop {
        let journal = Arc::clone(&core.journal);
        let read = tokio::task::spawn_blocking(move || journal.read_range(next, CHUNK_ENTRIES));
        let chunk = read
            .await
            .map_err(|error| Fault::Unfit(format!("reading the log failed: {error}")))??;
        let Some(last) = chunk.last() else {
            return Ok(());
        };
        next = last.header.position.next();
        let due = core.with_recent(|recent| {
            for entry in chunk {
                recent.push(entry.header, entry.fact.map(Arc::new));
            }
            recent.flush_is_due()
        });
        if due {
            flush(core, kinds).await?;
        }
    }
}
