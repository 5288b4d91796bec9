//! What follows a durable write: index, head, answers.
//!
//! Owns that order. Nobody reads beyond the head, and nobody is answered before it has moved. The
//! writing thread does it itself, but for a write of many batches while more wait: that one goes
//! to another thread, beside the next write's way to the disk. Writes are published in their
//! order, one at a time.
//! Invariants: I3, I4, I10 (few writes wait), I13. Never writes, and never publishes what is not
//! durable: a crash here loses only answers that nobody got.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use facts::LogPosition;
use parking_lot::Mutex;

use crate::{
    AppendFault, StopReason,
    assign::Assigner,
    metrics,
    queue::{CROWD, SealedBatch},
    sealing::SealedEntry,
    sequencer::SealedWrite,
    shared::Shared,
};

/// Durable writes that wait to be published; the writing thread waits beyond that.
const WAITING_MAX: usize = 2;

/// Batches in writing. However the write ends, a panic included, each is answered: one that may
/// have reached the disk is never called failed.
pub(crate) struct InWriting(Vec<SealedBatch>);

impl InWriting {
    pub(crate) fn new(batches: Vec<SealedBatch>) -> Self {
        Self(batches)
    }

    pub(crate) fn batches(&self) -> &[SealedBatch] {
        &self.0
    }

    pub(crate) fn answer(mut self, answer: Result<(), AppendFault>) {
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

/// A durable write that nobody knows of yet.
pub(crate) struct Written {
    pub(crate) batches: InWriting,
    pub(crate) write: SealedWrite,
    pub(crate) took_ms: u64,
}

enum Job {
    Publish(Written),
    /// Answered once everything before it is published.
    Drained(SyncSender<()>),
}

/// The writing thread's way to have its writes published.
pub(crate) struct Publishing {
    publisher: Arc<Publisher>,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Publishing {
    /// Starts the thread.
    pub(crate) fn start(
        shared: Arc<Shared>,
        assigner: Arc<Mutex<Assigner>>,
    ) -> std::io::Result<Self> {
        let publisher = Arc::new(Publisher {
            shared,
            assigner,
            waiting: AtomicUsize::new(0),
            behind: AtomicBool::new(false),
        });
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let beside = Arc::clone(&publisher);
        let thread = std::thread::Builder::new()
            .name("log-publisher".to_owned())
            .spawn(move || beside.run(&waiting))?;
        Ok(Self { publisher, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Publishes a write now, or has it published while the next one is written.
    pub(crate) fn publish(&self, written: Written) {
        // Nobody but this thread adds to those that wait, so none is passed by.
        let free = self.publisher.waiting.load(Ordering::Acquire) == 0;
        // Changing threads costs as much as publishing a few batches.
        let crowd = written.batches.0.len() >= CROWD;
        if free && !(crowd && self.publisher.shared.queue.has_filled()) {
            return self.publisher.publish(written);
        }
        self.publisher.waiting.fetch_add(1, Ordering::AcqRel);
        // The thread is gone only after a panic, which stopped the queue; then the batches are
        // dropped here, which answers them.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Publish(written));
        }
    }

    /// Waits until everything is published.
    pub(crate) fn drain(&self) {
        let (reply, drained) = sync_channel(1);
        if let Some(jobs) = &self.jobs
            && jobs.send(Job::Drained(reply)).is_ok()
        {
            // Without an answer the thread has ended, and nothing is left to wait for.
            let _ = drained.recv();
        }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It panicked: the queue is stopped, and whoever waited has been answered.
            let _ = thread.join();
        }
    }
}

/// Brings memory past durable writes.
struct Publisher {
    shared: Arc<Shared>,
    assigner: Arc<Mutex<Assigner>>,
    /// Writes that were handed over and are not published.
    waiting: AtomicUsize,
    /// Memory fell behind a write: it cannot follow a later one, and the next start replays.
    behind: AtomicBool,
}

/// However the thread ends, a panic included, nobody is left waiting for it (I13).
pub(crate) struct StopAtExit(pub(crate) Arc<Shared>, pub(crate) StopReason);

impl Drop for StopAtExit {
    fn drop(&mut self) {
        self.0.queue.stop(self.1);
    }
}

/// Stops taking batches for good.
pub(crate) fn stop(shared: &Shared, reason: StopReason) {
    tracing::error!(%reason, "the log's writer stops; a restart is needed");
    shared.queue.stop(reason);
    metrics::writer_stopped();
}

impl Publisher {
    fn run(&self, jobs: &Receiver<Job>) {
        // At a clean end the queue is stopped already, and keeps its first reason.
        let _stop = StopAtExit(Arc::clone(&self.shared), StopReason::Index);
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Publish(written) => {
                    self.publish(written);
                    self.waiting.fetch_sub(1, Ordering::AcqRel);
                }
                Job::Drained(reply) => {
                    // The writing thread waits for it, unless it panicked.
                    let _ = reply.send(());
                }
            }
        }
    }

    fn publish(&self, written: Written) {
        let Written { mut batches, write, took_ms } = written;
        let (count, length) = (write.entries.len(), write.bytes.len());
        let bytes: usize = batches.0.iter().map(|batch| batch.frames.len()).sum();
        let answer = self.advance(&write, &mut batches.0);
        self.shared.queue.release(count, bytes);
        metrics::written(count, length, took_ms, self.shared.head.borrow().0);
        batches.answer(answer);
    }

    /// The write is durable: memory follows, then readers may see it.
    fn advance(&self, write: &SealedWrite, batches: &mut [SealedBatch]) -> Result<(), AppendFault> {
        if self.behind.load(Ordering::Acquire) {
            return Err(AppendFault::Unknown);
        }
        let mut answer = Ok(());
        let entries = batches.iter_mut().flat_map(|batch| batch.entries.drain(..));
        for SealedEntry { entry, .. } in entries {
            let followed = self.shared.follow(&entry.header, entry.digest, Some(&self.assigner));
            // An order empties the tail; what comes after it is sealed with other keys.
            self.shared.tail.push(entry);
            if let Err(error) = followed {
                tracing::error!(%error, "the index of streams fell behind; the writer stops");
                self.behind.store(true, Ordering::Release);
                stop(&self.shared, StopReason::Index);
                answer = Err(AppendFault::Unknown);
                break;
            }
        }
        let head = LogPosition(write.next().0 - 1);
        self.shared.head.send_replace(head);
        // What fell behind is not flushed: the next start reads it from the log.
        answer?;
        if let Err(error) = self.shared.index.lock().flush_if_due() {
            tracing::error!(%error, "the index of streams could not be flushed");
            stop(&self.shared, StopReason::Index);
        }
        Ok(())
    }
}
