//! The journal that serves: the event log.

use std::{sync::Arc, time::Duration};

use event_log::{AppendRefusal, Log};
use facts::{Batch, EntryHeader, Fact, LogPosition};

use super::{
    AppendError, Journal, JournalEntry, JournalFault, JournalIdentity, NotDurable, PortFuture,
};

/// Whoever waits for durability looks this often whether the writer has stopped.
const STOP_POLL: Duration = Duration::from_millis(100);

/// A range is read in pieces of about this many bytes.
const RANGE_BYTES: usize = 4 * 1024 * 1024;

impl Journal for Log {
    fn identity(&self) -> JournalIdentity {
        JournalIdentity { log_id: self.log_id(), incarnation: self.incarnation() }
    }

    fn append(&self, batch: Batch) -> Result<Vec<EntryHeader>, AppendError> {
        Journal::append_known(self, batch, &[])
    }

    fn append_known(
        &self,
        batch: Batch,
        facts: &[Option<Arc<Fact>>],
    ) -> Result<Vec<EntryHeader>, AppendError> {
        match Log::append_known(self, batch, facts) {
            Ok(appended) => Ok(appended.headers),
            Err(AppendRefusal::Busy) => Err(AppendError::Full),
            Err(AppendRefusal::RevisionMoved { .. }) => Err(AppendError::Moved),
            Err(AppendRefusal::Stopped(reason)) => {
                tracing::warn!(%reason, "an append was refused");
                Err(AppendError::Stopped)
            }
            Err(AppendRefusal::NoPersonTree(person)) => Err(AppendError::PersonErased(person)),
            Err(refusal) => Err(AppendError::Malformed(refusal.to_string())),
        }
    }

    fn durable(&self, position: LogPosition) -> PortFuture<'_, Result<(), NotDurable>> {
        let mut head = self.subscribe();
        Box::pin(async move {
            loop {
                // Read before the head: what became durable before the stop counts.
                let stopped = self.stopped().is_some();
                if *head.borrow_and_update() >= position {
                    return Ok(());
                }
                if stopped {
                    return Err(NotDurable);
                }
                if let Ok(Err(_)) = tokio::time::timeout(STOP_POLL, head.changed()).await {
                    return Err(NotDurable);
                }
            }
        })
    }

    fn read(&self, position: LogPosition) -> Result<Option<JournalEntry>, JournalFault> {
        let entry = Log::read(self, position).map_err(fault)?;
        entry.map(journal_entry).transpose()
    }

    fn read_range(
        &self,
        from: LogPosition,
        max_entries: usize,
    ) -> Result<Vec<JournalEntry>, JournalFault> {
        let entries = Log::read_range(self, from, max_entries, RANGE_BYTES).map_err(fault)?;
        entries.into_iter().map(journal_entry).collect()
    }

    fn digest(&self, position: LogPosition) -> Result<Option<[u8; 32]>, JournalFault> {
        let entry = self.read_raw(position).map_err(fault)?;
        Ok(entry.map(|entry| entry.digest))
    }
}

fn journal_entry(entry: event_log::Entry) -> Result<JournalEntry, JournalFault> {
    Ok(JournalEntry { fact: entry.fact().map_err(fault)?, header: entry.header })
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> JournalFault {
    JournalFault(Box::new(error))
}
