//! A writer that stops: nothing is answered that is not durable, and nothing is accepted after.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use commands::{
    AppendError, CommandError, Journal, JournalEntry, JournalFault, JournalIdentity, NotDurable,
    PortFuture, WriteSide,
};
use decide::room::Preset;
use event_log::Log;
use facts::{Batch, EntryHeader, LogPosition};

use crate::stage::{Stage, room_of, say};

/// A log whose disk fails from some moment on: positions are given, nothing becomes durable.
pub(crate) struct Failing {
    log: Arc<Log>,
    pub(crate) failed: AtomicBool,
    accepts: AtomicBool,
}

impl Failing {
    /// A log that works, for now.
    pub(crate) fn over(log: Arc<Log>) -> Arc<Self> {
        let (failed, accepts) = (AtomicBool::new(false), AtomicBool::new(true));
        Arc::new(Self { log, failed, accepts })
    }
}

impl Journal for Failing {
    fn identity(&self) -> JournalIdentity {
        self.log.identity()
    }

    fn append(&self, batch: Batch) -> Result<Vec<EntryHeader>, AppendError> {
        if !self.accepts.load(Ordering::SeqCst) {
            return Err(AppendError::Stopped);
        }
        Journal::append(&*self.log, batch)
    }

    fn durable(&self, position: LogPosition) -> PortFuture<'_, Result<(), NotDurable>> {
        if self.failed.load(Ordering::SeqCst) {
            self.accepts.store(false, Ordering::SeqCst);
            return Box::pin(std::future::ready(Err(NotDurable)));
        }
        self.log.durable(position)
    }

    fn read(&self, position: LogPosition) -> Result<Option<JournalEntry>, JournalFault> {
        Journal::read(&*self.log, position)
    }

    fn read_range(
        &self,
        from: LogPosition,
        max_entries: usize,
    ) -> Result<Vec<JournalEntry>, JournalFault> {
        Journal::read_range(&*self.log, from, max_entries)
    }

    fn digest(&self, position: LogPosition) -> Result<Option<[u8; 32]>, JournalFault> {
        self.log.digest(position)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_stopped_writer_refuses_everything_and_flushes_nothing() {
    let mut stage = Stage::new();
    let journal = Failing::over(stage.log());
    let parts = stage.parts(Arc::clone(&journal) as _);
    let write_side = WriteSide::open(parts).await.unwrap();
    let room = room_of(&write_side, "alice", Preset::PublicChat).await;
    journal.failed.store(true, Ordering::SeqCst);

    let unsure = say(&write_side, &room, "alice", "lost?").await;
    assert!(matches!(unsure, Err(CommandError::Stopped)));
    let refused = say(&write_side, &room, "alice", "no").await;
    assert!(matches!(refused, Err(CommandError::Stopped)));
    write_side.flush().await.unwrap();
    // Reads go on.
    write_side.room(&room).await.unwrap();
    drop(write_side);
    drop(journal);

    // After a restart the log decides what was stored.
    let write_side = stage.open().await;
    say(&write_side, &room, "alice", "again").await.unwrap();
}
