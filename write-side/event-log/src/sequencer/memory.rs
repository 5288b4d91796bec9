//! A sequencer in memory whose calls can be made to fail.
//!
//! Owns nothing durable. It stands for a remote sequencer in the contract suite and in tests:
//! every append can fail without effect, or fail after it was stored.

use std::{collections::VecDeque, sync::Arc};

use facts::LogPosition;
use parking_lot::Mutex;

use super::{AppendOutcome, FollowFault, SealedWrite, Sequencer, SequencerHead};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// Nothing is stored, and that is known.
    Failed,
    /// Nothing is stored, and the caller cannot know.
    Lost,
    /// It is stored, and the answer is lost.
    FailedButPersisted,
}

#[derive(Debug, Default)]
struct Stored {
    writes: Vec<SealedWrite>,
    faults: VecDeque<InjectedFault>,
    failing_reads: usize,
}

/// The sequencer. Clones share what is stored, like connections to one server.
#[derive(Clone, Debug, Default)]
pub struct MemorySequencer {
    stored: Arc<Mutex<Stored>>,
}

impl MemorySequencer {
    /// Makes the next append fail; several calls queue up.
    pub fn fail_next(&self, fault: InjectedFault) {
        self.stored.lock().faults.push_back(fault);
    }

    /// Makes the next reads fail.
    pub fn fail_reads(&self, count: usize) {
        self.stored.lock().failing_reads = count;
    }
}

impl Stored {
    fn head(&self) -> SequencerHead {
        self.writes.last().map_or(
            SequencerHead { next: LogPosition(0), sequence: 0, last_write: [0; 32] },
            SequencerHead::after,
        )
    }
}

impl Sequencer for MemorySequencer {
    fn head(&self) -> SequencerHead {
        self.stored.lock().head()
    }

    fn append(&mut self, expected_head: LogPosition, write: &SealedWrite) -> AppendOutcome {
        let mut stored = self.stored.lock();
        let fault = stored.faults.pop_front();
        match fault {
            Some(InjectedFault::Failed) => return AppendOutcome::Failed,
            Some(InjectedFault::Lost) => return AppendOutcome::Unknown,
            Some(InjectedFault::FailedButPersisted) | None => {}
        }
        let outcome = stored.head().admit(expected_head, write);
        if outcome.is_none() {
            stored.writes.push(write.clone());
        }
        match fault {
            Some(_) => AppendOutcome::Unknown,
            None => outcome.unwrap_or(AppendOutcome::Ok),
        }
    }

    fn follow(&self, from: LogPosition, max_writes: usize) -> Result<Vec<Vec<u8>>, FollowFault> {
        let mut stored = self.stored.lock();
        if stored.failing_reads > 0 {
            stored.failing_reads -= 1;
            return Err(FollowFault("injected".into()));
        }
        let wanted = |write: &&SealedWrite| write.next() > from || write.first() >= from;
        let writes = stored.writes.iter().filter(wanted);
        Ok(writes.take(max_writes).map(|write| write.bytes.clone()).collect())
    }
}
