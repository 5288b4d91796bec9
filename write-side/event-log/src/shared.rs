//! What the writing thread and everybody else share.
//!
//! Owns the durable head and the one function that brings memory past a durable entry; replay at
//! start and normal operation both run it (I7).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use facts::{EntryHeader, FactBody as _, LogId, LogPosition, fact};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    Damage, DamageKind, Digest, PartKeys, ReadFault,
    assign::Assigner,
    entry::{Entry, PartContent},
    frame::{Frame, StoredPart},
    queue::Queue,
    segment::shelf::Shelf,
    stream_index::{IndexFault, StreamIndex},
    stubs::DecodedStubs,
    tail::Tail,
    vault::{Vault, ended_trees},
};

/// A position that says "nothing is indexed yet".
const NOTHING_INDEXED: u64 = u64::MAX;

/// Shared state of a log.
pub(crate) struct Shared {
    pub(crate) log_id: LogId,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) queue: Queue,
    pub(crate) index: Mutex<StreamIndex>,
    pub(crate) vault: Vault,
    pub(crate) tail: Tail,
    pub(crate) stubs: DecodedStubs,
    /// The durable head; nothing beyond it is read.
    pub(crate) head: watch::Sender<LogPosition>,
    indexed: AtomicU64,
}

/// Memory could not follow the log.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The index of streams failed.
    #[error("the index of streams could not follow the log")]
    Index(#[from] IndexFault),
    /// An entry that the log looks at itself could not be read.
    #[error("an entry that the log looks at itself could not be read")]
    Read(#[from] ReadFault),
}

impl Shared {
    pub(crate) fn new(
        log_id: LogId,
        shelf: Arc<Shelf>,
        index: StreamIndex,
        vault: Vault,
        head: LogPosition,
    ) -> Self {
        Self {
            log_id,
            shelf,
            queue: Queue::default(),
            index: Mutex::new(index),
            vault,
            tail: Tail::default(),
            stubs: DecodedStubs::default(),
            head: watch::Sender::new(head),
            indexed: AtomicU64::new(NOTHING_INDEXED),
        }
    }

    /// Everything up to here is in the index.
    pub(crate) fn indexed(&self) -> Option<LogPosition> {
        let position = self.indexed.load(Ordering::Acquire);
        (position != NOTHING_INDEXED).then_some(LogPosition(position))
    }

    /// Brings index, orders and open trees past a durable entry that is on the shelf.
    pub(crate) fn follow(
        &self,
        header: &EntryHeader,
        digest: Digest,
        assigner: Option<&Mutex<Assigner>>,
    ) -> Result<(), FollowError> {
        self.index.lock().apply(self.log_id, header, digest)?;
        if header.stream.0 == 0 {
            self.follow_own_fact(header, assigner)?;
        }
        if header.fact_type == fact::MessagesStubbed::TYPE
            && let Some(stubbed) = self.fact_at::<fact::MessagesStubbed>(header.position)?
        {
            self.index.lock().note_stubs(header.position, &stubbed);
        }
        self.indexed.store(header.position.0, Ordering::Release);
        Ok(())
    }

    fn follow_own_fact(
        &self,
        header: &EntryHeader,
        assigner: Option<&Mutex<Assigner>>,
    ) -> Result<(), FollowError> {
        if header.fact_type == fact::ShredOrdered::TYPE
            && let Some(ordered) = self.fact_at::<fact::ShredOrdered>(header.position)?
        {
            let ended = ended_trees(&ordered, header.key_epoch);
            self.index.lock().note_order(header.position, &ended);
            if header.position > self.vault.keyring().applied_through() {
                self.vault.order(&ordered.ranges);
            }
            self.tail.clear();
            self.stubs.wipe();
            if let Some(assigner) = assigner {
                assigner.lock().end_trees(&ordered.ranges, &ended);
            }
        }
        if header.fact_type == fact::ShredDone::TYPE
            && let Some(done) = self.fact_at::<fact::ShredDone>(header.position)?
        {
            self.index.lock().note_done(done.order);
        }
        if header.fact_type == fact::ClockJumped::TYPE {
            self.index.lock().note_jump(header.position);
        }
        if header.fact_type == fact::ClockConfirmed::TYPE
            && let Some(confirmed) = self.fact_at::<fact::ClockConfirmed>(header.position)?
        {
            self.index.lock().note_confirmed(confirmed.jump);
        }
        Ok(())
    }

    /// Reads a fact that the log looks at itself. `None` where the entry is not there or is destroyed.
    pub(crate) fn fact_at<F: facts::FactBody>(
        &self,
        position: LogPosition,
    ) -> Result<Option<F>, ReadFault> {
        let Some(frame) = self.shelf.frame(position)? else {
            return Ok(None);
        };
        let entry = self.open_entry(frame)?;
        let parts: Vec<Option<&[u8]>> = entry.parts.iter().map(PartContent::clear).collect();
        F::from_parts(entry.header.fact_version, &parts)
            .map_err(|_| ReadFault::Damage(self.seal_damage(position)))
    }

    /// Opens what can be opened of an entry.
    pub(crate) fn open_entry(&self, frame: Frame) -> Result<Entry, ReadFault> {
        let encoded = frame.header.encode();
        let digest = frame.digest();
        let mut parts = Vec::with_capacity(frame.parts.len());
        for (number, stored) in (1..).zip(&frame.parts) {
            let opened = self.open_part(&frame.header, &encoded, number, stored)?;
            parts.push(opened.map_or(PartContent::Destroyed, |(clear, _)| {
                PartContent::Clear(Bytes::from(clear))
            }));
        }
        let stub = self.stub_for(&frame.header, &parts)?;
        Ok(Entry { header: frame.header, digest, parts, known: None, stub })
    }

    /// The clear bytes of a part, by its number from 1, and the keys that opened it; `None` where
    /// one is destroyed or ordered so.
    pub(crate) fn open_part(
        &self,
        header: &EntryHeader,
        encoded: &[u8],
        number: u8,
        stored: &StoredPart,
    ) -> Result<Option<(Vec<u8>, PartKeys)>, ReadFault> {
        let described = header.parts.get(usize::from(number) - 1);
        let (Some(described), StoredPart::Sealed(sealed)) = (described, stored) else {
            return Ok(None);
        };
        let Some(keys) = self.vault.part_keys(self.log_id, header, described, number) else {
            return Ok(None);
        };
        let mut clear = Vec::new();
        keys.open(encoded, &described.commitment, sealed, &mut clear)
            .map_err(|_| ReadFault::Damage(self.seal_damage(header.position)))?;
        Ok(Some((clear, keys)))
    }

    fn seal_damage(&self, position: LogPosition) -> Damage {
        let (first, offset) = self.shelf.place(position);
        Damage {
            segment: crate::segment::file_name(first),
            offset,
            position,
            kind: DamageKind::Seal,
        }
    }
}
