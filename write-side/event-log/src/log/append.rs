//! Appending: positions under one short lock, sealing outside of it, durability later.

use std::sync::Arc;

use facts::{Batch, EntryHeader, Fact, FactBody as _, StreamId, StreamRef, fact};
use tokio::sync::oneshot;

use super::Log;
use crate::{
    AppendRefusal, Appended, Durable, KeyRange,
    assign::{Assigner, Lookup, PlannedEntry, frame_bytes},
    metrics,
    queue::{Reserved, SealedBatch},
    sealing::seal_entries,
};

impl Log {
    /// Gives a batch its positions and hands it to the writer.
    ///
    /// Returns at once, before the batch is durable: nobody may be answered until
    /// [`Appended::durable`] says so. A refusal leaves nothing behind.
    pub fn append(&self, batch: Batch) -> Result<Appended, AppendRefusal> {
        self.append_known(batch, &[])
    }

    /// As [`Self::append`], for somebody who has decoded the drafts: `facts` are what they decode
    /// to, in order, and whoever follows the log gets them without decoding once more.
    pub fn append_known(
        &self,
        batch: Batch,
        facts: &[Option<Arc<Fact>>],
    ) -> Result<Appended, AppendRefusal> {
        self.watch_clock()?;
        self.append_with(batch, facts, |_| Ok(()), &[])
    }

    /// Goes on from an older copy: raises the incarnation and states why. What this leaves out
    /// (orders of the part that is given up) is [`Log::go_on`]'s.
    pub fn fork(&self, reason: fact::ForkReason) -> Result<Appended, crate::ForkError> {
        self.fork_with(reason, &[])
    }

    /// `prepare` runs under the lock before positions are given; `ending` are the key ranges
    /// under which nothing is sealed any more once they are.
    pub(super) fn append_with(
        &self,
        batch: Batch,
        facts: &[Option<Arc<Fact>>],
        prepare: impl FnOnce(&mut Assigner) -> Result<(), AppendRefusal>,
        ending: &[KeyRange],
    ) -> Result<Appended, AppendRefusal> {
        let bytes = frame_bytes(&batch)?;
        let (planned, slot) = self.give_positions(batch, bytes, prepare, ending)?;
        // From here on positions are given: a slot that is dropped unfilled stops the writer.
        let sealed = seal_entries(self.shared.log_id, planned, facts, bytes, &*self.random);
        let headers: Vec<EntryHeader> =
            sealed.entries.iter().map(|sealed| sealed.entry.header.clone()).collect();
        let front = headers.first().expect("an empty batch was refused");
        let (first, recorded_at, incarnation) =
            (front.position, front.recorded_at, front.incarnation);
        let (reply, answer) = oneshot::channel();
        slot.fill(SealedBatch {
            incarnation,
            first,
            frames: sealed.frames,
            entries: sealed.entries,
            reply,
        });
        Ok(Appended { first, headers, recorded_at, durable: Durable(answer) })
    }

    fn give_positions(
        &self,
        batch: Batch,
        bytes: usize,
        prepare: impl FnOnce(&mut Assigner) -> Result<(), AppendRefusal>,
        ending: &[KeyRange],
    ) -> Result<(Vec<PlannedEntry>, Reserved<'_>), AppendRefusal> {
        let mut assigner = self.assigner.lock();
        let now = assigner.recorded_at(self.clock.now());
        let epoch = self.shared.vault.epoch();
        let lookup = Lookup {
            index: &self.shared.index,
            vault: &self.shared.vault,
            indexed: self.shared.indexed(),
        };
        let slot = self.shared.queue.reserve(batch.drafts.len(), bytes).inspect_err(|refusal| {
            if matches!(refusal, AppendRefusal::Busy) {
                metrics::pushed_back();
            }
        })?;
        let before = assigner.numbering();
        let planned =
            prepare(&mut assigner).and_then(|()| assigner.assign(batch, now, epoch, lookup));
        match planned {
            Ok(planned) => {
                assigner.begin_ending(ending);
                Ok((planned, slot))
            }
            Err(refusal) => {
                assigner.restore(before);
                slot.cancel();
                Err(refusal)
            }
        }
    }
}

/// A batch of one fact in the log's own stream, stated by the server.
pub(super) fn own_batch<F: facts::FactBody>(fact: &F) -> Batch {
    let parts = fact.to_parts().into_iter().map(|part| facts::ClearPart {
        class: part.class,
        person: None,
        bytes: part.bytes,
    });
    let opens = F::TYPE == fact::LogOpened::TYPE;
    let stream = if opens { StreamRef::OpenedBy(0) } else { StreamRef::Existing(StreamId(0)) };
    Batch {
        drafts: vec![facts::Draft {
            stream,
            actor: StreamRef::LOG,
            cause: None,
            fact_type: F::TYPE,
            fact_version: F::VERSION,
            parts: parts.collect(),
        }],
        expects: Vec::new(),
    }
}
