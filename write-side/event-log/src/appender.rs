//! The one thread that writes.
//!
//! Owns the order of writes and what makes one: bytes, `fdatasync`. What follows a durable write
//! (index, head, answers) is `publish.rs`'s.
//! Invariants: I3, I4, I13 (what is not known to be durable stops the writer for good).

use std::sync::Arc;

use facts::Incarnation;
use parking_lot::Mutex;

use crate::{
    AppendFault, Clock, Digest, StopReason,
    assign::Assigner,
    metrics,
    publish::{InWriting, Publishing, StopAtExit, Written, stop},
    queue::{SealedBatch, Work},
    segment::scan::ChainPoint,
    sequencer::{AppendOutcome, SealedWrite, target::Target},
    shared::Shared,
    write::{FLAG_CLOSING, WRITE_HEADER_BYTES, WriteHeader, assemble},
};

/// The writing thread's own state.
pub(crate) struct Appender {
    pub(crate) shared: Arc<Shared>,
    pub(crate) assigner: Arc<Mutex<Assigner>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) target: Target,
    pub(crate) chain: ChainPoint,
    pub(crate) publishing: Publishing,
}

impl Appender {
    /// Writes until the queue is closed or the writer stops.
    pub(crate) fn run(mut self) {
        let _stop = StopAtExit(Arc::clone(&self.shared), StopReason::Disk);
        loop {
            match self.shared.queue.next() {
                Work::Write(batches) => {
                    self.open_epoch_if_due();
                    self.write_batches(InWriting::new(batches));
                }
                Work::Roll(reply) => {
                    // Whoever closes a segment wants to read it whole.
                    self.publishing.drain();
                    let rolled = self.target.roll();
                    let failed = rolled.is_err();
                    // The one who asked may be gone.
                    let _ = reply.send(!failed);
                    if let Err(error) = rolled {
                        tracing::error!(%error, "a segment could not be closed");
                        self.stop(StopReason::Disk);
                    }
                }
                Work::Broken => self.stop(StopReason::Sealing),
                Work::Close => return self.close(),
                Work::Stopped => return metrics::writer_stopped(),
            }
        }
    }

    fn write_batches(&mut self, batches: InWriting) {
        let started = self.clock.monotonic_ms();
        let write = self.freeze(batches.batches());
        match self.target.append(&write) {
            AppendOutcome::Ok => {
                self.chain = ChainPoint::after(&write.header, write.digest);
                let took_ms = self.clock.monotonic_ms().saturating_sub(started);
                self.publishing.publish(Written { batches, write, took_ms });
            }
            AppendOutcome::Fenced => self.fail(StopReason::Fenced, batches, AppendFault::Failed),
            AppendOutcome::Failed => self.fail(StopReason::Disk, batches, AppendFault::Failed),
            AppendOutcome::Unknown => self.fail(StopReason::Disk, batches, AppendFault::Unknown),
        }
    }

    fn fail(&self, reason: StopReason, batches: InWriting, fault: AppendFault) {
        self.stop(reason);
        batches.answer(Err(fault));
    }

    /// Here and not where positions are given: a new epoch waits for the disk, and nobody waits
    /// for the disk under the lock of positions. What is appended meanwhile uses the old epoch.
    fn open_epoch_if_due(&self) {
        let now = self.assigner.lock().recorded_at(self.clock.now());
        if let Err(error) = self.shared.vault.open_epoch_if_due(now) {
            tracing::error!(%error, "the next key epoch could not be opened; it is tried again");
        }
    }

    /// Puts the batches together; from here on the bytes do not change.
    fn freeze(&self, batches: &[SealedBatch]) -> SealedWrite {
        let incarnation = batches.first().map_or(self.chain.incarnation, |batch| batch.incarnation);
        debug_assert!(batches.first().is_none_or(|b| b.first == self.chain.next));
        let mut entries = Vec::new();
        let mut digests: Vec<Digest> = Vec::new();
        let mut at = WRITE_HEADER_BYTES;
        for batch in batches {
            for sealed in &batch.entries {
                let offset = at + sealed.offset as usize;
                let offset = u32::try_from(offset).expect("a write is at most 9 MiB");
                entries.push((offset, sealed.entry.header.clone()));
                digests.push(sealed.entry.digest);
            }
            at += batch.frames.len();
        }
        let header = self.header(incarnation, entries.len(), at - WRITE_HEADER_BYTES, 0);
        SealedWrite {
            bytes: assemble(&header, batches.iter().map(|batch| batch.frames.as_slice())),
            digest: header.digest(digests.iter()),
            header,
            entries,
        }
    }

    fn header(
        &self,
        incarnation: Incarnation,
        count: usize,
        length: usize,
        flags: u16,
    ) -> WriteHeader {
        WriteHeader {
            flags,
            log_id: self.shared.log_id,
            incarnation,
            sequence: self.chain.sequence,
            first: self.chain.next,
            count: u32::try_from(count).expect("a write has at most 1,000 entries"),
            length: u32::try_from(length).expect("a write is at most 9 MiB"),
            previous: self.chain.previous,
        }
    }

    fn stop(&self, reason: StopReason) {
        stop(&self.shared, reason);
    }

    /// A clean end: an empty closing write, and the index on disk.
    fn close(mut self) {
        self.publishing.drain();
        let header = self.header(self.chain.incarnation, 0, 0, FLAG_CLOSING);
        let write = SealedWrite {
            bytes: assemble(&header, std::iter::empty()),
            digest: header.digest([].iter()),
            header,
            entries: Vec::new(),
        };
        if self.target.append(&write) != AppendOutcome::Ok {
            tracing::warn!("the closing write was not stored; the next start finds it missing");
        }
        if let Err(error) = self.shared.index.lock().flush() {
            tracing::info!(%error, "the index of streams is replayed at the next start");
        }
        self.shared.queue.stop(StopReason::Closed);
    }
}
