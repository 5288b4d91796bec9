//! The one thread that writes.
//!
//! Owns the order of events around a write: bytes, `fdatasync`, index, head, answers. Nobody
//! reads beyond the head, and nobody is answered before it has moved.
//! Invariants: I3, I4, I13 (what is not known to be durable stops the writer for good).

use std::sync::Arc;

use facts::{Incarnation, LogPosition};
use parking_lot::Mutex;

use crate::{
    AppendFault, Clock, Digest, StopReason,
    assign::Assigner,
    metrics,
    queue::{SealedBatch, Work},
    sealing::SealedEntry,
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
}

/// However the thread ends, a panic included, nobody is left waiting for it (I13).
struct StopAtExit(Arc<Shared>);

impl Drop for StopAtExit {
    fn drop(&mut self) {
        self.0.queue.stop(StopReason::Disk);
    }
}

/// Batches in writing. However the write ends, a panic included, each is answered: one that may
/// have reached the disk is never called failed.
struct InWriting(Vec<SealedBatch>);

impl InWriting {
    fn answer(mut self, answer: Result<(), AppendFault>) {
        self.give(answer);
    }

    fn give(&mut self, answer: Result<(), AppendFault>) {
        for batch in self.0.drain(..) {
            // Whoever does not wait for the answer does not want it.
            let _ = batch.reply.send(answer);
        }
    }
}

impl Drop for InWriting {
    fn drop(&mut self) {
        self.give(Err(AppendFault::Unknown));
    }
}

impl Appender {
    /// Writes until the queue is closed or the writer stops.
    pub(crate) fn run(mut self) {
        let _stop = StopAtExit(Arc::clone(&self.shared));
        loop {
            match self.shared.queue.next() {
                Work::Write(batches) => {
                    self.open_epoch_if_due();
                    self.write_batches(InWriting(batches));
                }
                Work::Roll(reply) => {
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

    fn write_batches(&mut self, mut batches: InWriting) {
        let started = self.clock.monotonic_ms();
        let write = self.freeze(&batches.0);
        let count = write.entries.len();
        let answer = match self.target.append(&write) {
            AppendOutcome::Ok => self.advance(&write, &mut batches.0),
            AppendOutcome::Fenced => {
                self.stop(StopReason::Fenced);
                Err(AppendFault::Failed)
            }
            AppendOutcome::Failed => {
                self.stop(StopReason::Disk);
                Err(AppendFault::Failed)
            }
            AppendOutcome::Unknown => {
                self.stop(StopReason::Disk);
                Err(AppendFault::Unknown)
            }
        };
        let bytes: usize = batches.0.iter().map(|batch| batch.frames.len()).sum();
        self.shared.queue.release(count, bytes);
        let took = self.clock.monotonic_ms().saturating_sub(started);
        metrics::written(count, write.bytes.len(), took, self.shared.head.borrow().0);
        batches.answer(answer);
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

    /// The write is durable: memory follows, then readers may see it.
    fn advance(
        &mut self,
        write: &SealedWrite,
        batches: &mut [SealedBatch],
    ) -> Result<(), AppendFault> {
        self.chain = ChainPoint::after(&write.header, write.digest);
        let mut answer = Ok(());
        let entries = batches.iter_mut().flat_map(|batch| batch.entries.drain(..));
        for SealedEntry { entry, .. } in entries {
            let followed = self.shared.follow(&entry.header, entry.digest, Some(&self.assigner));
            // An order empties the tail; what comes after it is sealed with other keys.
            self.shared.tail.push(entry);
            if let Err(error) = followed {
                tracing::error!(%error, "the index of streams fell behind; the writer stops");
                self.stop(StopReason::Index);
                answer = Err(AppendFault::Unknown);
                break;
            }
        }
        let head = LogPosition(write.next().0 - 1);
        self.shared.head.send_replace(head);
        if let Err(error) = self.shared.index.lock().flush_if_due() {
            tracing::error!(%error, "the index of streams could not be flushed");
            self.stop(StopReason::Index);
        }
        answer
    }

    fn stop(&self, reason: StopReason) {
        tracing::error!(%reason, "the log's writer stops; a restart is needed");
        self.shared.queue.stop(reason);
        metrics::writer_stopped();
    }

    /// A clean end: an empty closing write, and the index on disk.
    fn close(mut self) {
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
