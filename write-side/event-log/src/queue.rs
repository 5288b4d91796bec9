//! The bounded queue between those who append and the thread that writes.
//!
//! Owns the slots, which are taken in order of position and filled in any order. Full means
//! push back (I10). A slot that is dropped unfilled stops the writer: its positions are given.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use facts::{Incarnation, LogPosition};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::{AppendFault, AppendRefusal, StopReason, sealing::SealedEntry};

/// Batches wait and are in writing with at most this many entries in all.
pub const QUEUE_ENTRIES_MAX: usize = 16_000;
/// And at most this many bytes.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A write takes at most this many entries, unless one batch alone has more.
pub const WRITE_ENTRIES_MAX: usize = 1_000;
/// A write takes at most this many bytes of entries, unless one batch alone has more.
pub const WRITE_BYTES_MAX: usize = 1024 * 1024;

/// Where the last write took at least this many batches, the next one waits for as many: those who
/// were answered together tend to come back together, and a write costs the same for all of them.
const GATHER_MIN: usize = 3;
/// Among this many, the cost of a write is small beside that of its batches. Larger crowds do
/// better in two halves: one is sealed while the other is on its way to the disk.
pub(crate) const CROWD: usize = 16;
/// It waits at most this long; one who appends alone never waits.
const GATHER_WAIT: Duration = Duration::from_micros(300);

/// A batch whose bytes are frozen.
#[derive(Debug)]
pub(crate) struct SealedBatch {
    pub(crate) incarnation: Incarnation,
    pub(crate) first: LogPosition,
    pub(crate) frames: Vec<u8>,
    pub(crate) entries: Vec<SealedEntry>,
    pub(crate) reply: oneshot::Sender<Result<(), AppendFault>>,
}

#[derive(Debug)]
enum SlotState {
    Waiting,
    Filled(Box<SealedBatch>),
    Dropped,
}

#[derive(Debug)]
struct Slot {
    entries: usize,
    bytes: usize,
    state: Mutex<SlotState>,
}

#[derive(Debug, Default)]
struct State {
    slots: VecDeque<Arc<Slot>>,
    /// In slots and in the write under way.
    entries: usize,
    bytes: usize,
    stopped: Option<StopReason>,
    closing: bool,
    roll: Option<oneshot::Sender<bool>>,
    /// Slots that are filled and not taken.
    filled: usize,
    /// The writing thread is woken when this many slots are filled.
    wake_at: usize,
    /// Batches in the last write.
    last_taken: usize,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// A taken slot. Fill it, or the writer stops.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    queue: &'a Queue,
    slot: Arc<Slot>,
    filled: bool,
}

/// What the writing thread is to do next.
pub(crate) enum Work {
    /// Write these batches as one.
    Write(Vec<SealedBatch>),
    /// Close the active segment and answer.
    Roll(oneshot::Sender<bool>),
    /// Everything is written and no more comes.
    Close,
    /// A slot was given up.
    Broken,
    /// The writer has stopped.
    Stopped,
}

impl Queue {
    /// Takes the next slot. The caller holds the lock under which positions are given.
    pub(crate) fn reserve(
        &self,
        entries: usize,
        bytes: usize,
    ) -> Result<Reserved<'_>, AppendRefusal> {
        let mut state = self.state.lock();
        if let Some(reason) = state.stopped {
            return Err(AppendRefusal::Stopped(reason));
        }
        if state.closing {
            return Err(AppendRefusal::Stopped(StopReason::Closed));
        }
        let full =
            state.entries + entries > QUEUE_ENTRIES_MAX || state.bytes + bytes > QUEUE_BYTES_MAX;
        if full {
            return Err(AppendRefusal::Busy);
        }
        state.entries += entries;
        state.bytes += bytes;
        let slot = Arc::new(Slot { entries, bytes, state: Mutex::new(SlotState::Waiting) });
        state.slots.push_back(Arc::clone(&slot));
        Ok(Reserved { queue: self, slot, filled: false })
    }

    /// Waits for work.
    pub(crate) fn next(&self) -> Work {
        let mut state = self.state.lock();
        loop {
            if state.stopped.is_some() {
                return Work::Stopped;
            }
            if let Some(reply) = state.roll.take() {
                return Work::Roll(reply);
            }
            match state.front() {
                Front::Filled => {
                    self.gather(&mut state);
                    if state.stopped.is_none() {
                        return Work::Write(state.take_filled());
                    }
                }
                Front::Dropped => return Work::Broken,
                Front::None if state.closing => return Work::Close,
                Front::None | Front::Waiting => self.changed.wait(&mut state),
            }
        }
    }

    /// Waits for as many batches as came together the last time, or for half of a crowd, boundedly.
    fn gather(&self, state: &mut MutexGuard<'_, State>) {
        let wanted = state.last_taken.min(CROWD.max(state.last_taken / 2));
        if wanted < GATHER_MIN || state.filled >= wanted || state.closing {
            return;
        }
        state.wake_at = wanted;
        self.changed.wait_for(state, GATHER_WAIT);
        state.wake_at = 0;
    }

    /// The write of these batches is over: their room is free again.
    pub(crate) fn release(&self, entries: usize, bytes: usize) {
        let mut state = self.state.lock();
        state.entries -= entries;
        state.bytes -= bytes;
    }

    /// Stops for good; every waiting batch is answered `Failed` by its dropped sender.
    pub(crate) fn stop(&self, reason: StopReason) {
        let mut state = self.state.lock();
        state.stopped.get_or_insert(reason);
        state.slots.clear();
        state.filled = 0;
        state.roll = None;
        self.changed.notify_all();
    }

    /// No more batches; what is queued is still written.
    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    /// Asks the writing thread to close the active segment; answers whether it did.
    pub(crate) fn roll(&self) -> oneshot::Receiver<bool> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock();
        // A writer that stopped answers nobody: then the reply is dropped here.
        if state.stopped.is_none() {
            state.roll = Some(reply);
            self.changed.notify_all();
        }
        answer
    }

    /// True while a batch waits that could be written now.
    pub(crate) fn has_filled(&self) -> bool {
        matches!(self.state.lock().front(), Front::Filled)
    }

    /// Why the writer stopped, if it did.
    pub(crate) fn stopped(&self) -> Option<StopReason> {
        self.state.lock().stopped
    }
}

enum Front {
    None,
    Waiting,
    Filled,
    Dropped,
}

impl State {
    fn front(&self) -> Front {
        let Some(slot) = self.slots.front() else {
            return Front::None;
        };
        match *slot.state.lock() {
            SlotState::Waiting => Front::Waiting,
            SlotState::Filled(_) => Front::Filled,
            SlotState::Dropped => Front::Dropped,
        }
    }

    /// Filled slots from the front that fit one write: at least one, all of one incarnation.
    fn take_filled(&mut self) -> Vec<SealedBatch> {
        let mut taken: Vec<SealedBatch> = Vec::new();
        let (mut entries, mut bytes) = (0, 0);
        while let Some(slot) = self.slots.front() {
            let fits = entries + slot.entries <= WRITE_ENTRIES_MAX
                && bytes + slot.bytes <= WRITE_BYTES_MAX;
            if !taken.is_empty() && !fits {
                break;
            }
            let mut state = slot.state.lock();
            let SlotState::Filled(batch) = &*state else {
                break;
            };
            if taken.first().is_some_and(|first| first.incarnation != batch.incarnation) {
                break;
            }
            if let SlotState::Filled(batch) = std::mem::replace(&mut *state, SlotState::Waiting) {
                taken.push(*batch);
            }
            drop(state);
            entries += slot.entries;
            bytes += slot.bytes;
            self.slots.pop_front();
        }
        self.filled -= taken.len();
        self.last_taken = taken.len();
        taken
    }
}

impl Reserved<'_> {
    /// Hands over the sealed batch.
    pub(crate) fn fill(mut self, batch: SealedBatch) {
        // Under the queue's lock, so that the thread does not miss it on its way to waiting, and
        // counts what it takes.
        let mut state = self.queue.state.lock();
        *self.slot.state.lock() = SlotState::Filled(Box::new(batch));
        self.filled = true;
        state.filled += 1;
        if state.filled >= state.wake_at {
            self.queue.changed.notify_all();
        }
    }

    /// Gives the slot back before any position was given for it.
    pub(crate) fn cancel(mut self) {
        self.filled = true;
        let mut state = self.queue.state.lock();
        // It is the newest one: the caller still holds the lock under which slots are taken.
        state.slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        state.entries -= self.slot.entries;
        state.bytes -= self.slot.bytes;
        self.queue.changed.notify_all();
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.filled {
            *self.slot.state.lock() = SlotState::Dropped;
            let _state = self.queue.state.lock();
            self.queue.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(
        first: u64,
        incarnation: u32,
    ) -> (SealedBatch, oneshot::Receiver<Result<(), AppendFault>>) {
        let (reply, answer) = oneshot::channel();
        let batch = SealedBatch {
            incarnation: Incarnation(incarnation),
            first: LogPosition(first),
            frames: Vec::new(),
            entries: Vec::new(),
            reply,
        };
        (batch, answer)
    }

    fn firsts(work: Work) -> Vec<u64> {
        match work {
            Work::Write(batches) => batches.iter().map(|batch| batch.first.0).collect(),
            _ => panic!("no write is due"),
        }
    }

    #[test]
    fn a_full_queue_pushes_back_until_a_write_is_over() {
        let queue = Queue::default();
        let slot = queue.reserve(QUEUE_ENTRIES_MAX, 10).unwrap();
        assert!(matches!(queue.reserve(1, 10), Err(AppendRefusal::Busy)));
        slot.fill(batch(0, 1).0);
        assert_eq!(firsts(queue.next()), [0]);
        assert!(matches!(queue.reserve(1, 10), Err(AppendRefusal::Busy)), "it is in writing");
        queue.release(QUEUE_ENTRIES_MAX, 10);
        assert!(matches!(queue.reserve(1, QUEUE_BYTES_MAX + 1), Err(AppendRefusal::Busy)));
        queue.reserve(1, QUEUE_BYTES_MAX).unwrap().cancel();
        queue.reserve(1, 10).unwrap().cancel();
    }

    #[test]
    fn writes_keep_the_order_the_limits_and_the_incarnation() {
        let queue = Queue::default();
        let slots: Vec<_> = (0..4).map(|_| queue.reserve(400, 10).unwrap()).collect();
        let mut slots = slots.into_iter();
        let (one, two) = (slots.next().unwrap(), slots.next().unwrap());
        // Filled out of order, written in order.
        two.fill(batch(400, 1).0);
        one.fill(batch(0, 1).0);
        assert_eq!(firsts(queue.next()), [0, 400]);
        for (slot, (first, incarnation)) in slots.zip([(800, 1), (1_200, 2)]) {
            slot.fill(batch(first, incarnation).0);
        }
        assert_eq!(firsts(queue.next()), [800], "a write has one incarnation");
        assert_eq!(firsts(queue.next()), [1_200]);
        let large = queue.reserve(1, 3 * WRITE_BYTES_MAX).unwrap();
        let small = queue.reserve(1, 1).unwrap();
        large.fill(batch(1_600, 2).0);
        small.fill(batch(1_601, 2).0);
        assert_eq!(firsts(queue.next()), [1_600], "a large batch goes alone");
    }

    #[test]
    fn a_slot_given_up_breaks_the_queue_and_a_stop_answers_those_who_wait() {
        let queue = Queue::default();
        drop(queue.reserve(1, 1).unwrap());
        assert!(matches!(queue.next(), Work::Broken));
        let (waiting, mut answer) = batch(1, 1);
        queue.reserve(1, 1).unwrap().fill(waiting);
        queue.stop(StopReason::Sealing);
        assert!(answer.try_recv().is_err(), "the sender is gone");
        assert!(matches!(queue.next(), Work::Stopped));
        assert!(queue.roll().try_recv().is_err(), "nobody will close a segment");
        let refused = queue.reserve(1, 1);
        assert!(matches!(refused, Err(AppendRefusal::Stopped(StopReason::Sealing))));
    }

    #[test]
    fn closing_waits_for_what_is_queued() {
        let queue = Queue::default();
        let slot = queue.reserve(1, 1).unwrap();
        queue.close();
        slot.fill(batch(0, 1).0);
        assert_eq!(firsts(queue.next()), [0]);
        assert!(matches!(queue.next(), Work::Close));
        assert!(matches!(queue.reserve(1, 1), Err(AppendRefusal::Stopped(StopReason::Closed))));
    }
}
