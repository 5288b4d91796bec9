//! Loading PDUs by event id or position.
//!
//! Owns a bounded cache of parsed PDUs in front of the log. An entry that is not durable yet is
//! taken from the recent entries. Where a PDU stands is told by the caller's fold, not cached:
//! it changes with later placements. Invariants: I10. A destroyed content gives the redacted form
//! joined with the residue, as authorization reads it. A message whose skeleton is destroyed is no
//! PDU any more; its stub is read apart, by those who walk the room's graph or must know its id.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use decide::pdu::Pdu;
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{PduStored, PduStub},
};
use parking_lot::Mutex;
use ruma::{EventId, OwnedEventId, RoomId};

use crate::{Fault, WriteSide};

/// Parsed PDUs in memory, at most. The oldest half goes when they are more.
pub const CACHED_PDUS_MAX: usize = 2_000;

/// A PDU with the entry that stores it.
#[derive(Clone, Debug)]
pub struct StoredPdu {
    /// Position of the `PduStored` entry.
    pub position: LogPosition,
    /// Position of the first entry of its batch, to resolve references of the first placement.
    pub batch: LogPosition,
    /// The PDU.
    pub pdu: Arc<Pdu>,
    /// The placement that the same entry made, if it made one.
    pub first_placement: Option<Arc<facts::fact::Placement>>,
}

#[derive(Default)]
struct Generations {
    /// How often keys were destroyed.
    wiped: u64,
    young: HashMap<LogPosition, Cached>,
    old: HashMap<LogPosition, Cached>,
}

/// A PDU with the header of its entry, by which is told whether it is destroyed.
#[derive(Clone)]
struct Cached {
    stored: StoredPdu,
    header: Arc<EntryHeader>,
}

/// The cache.
#[derive(Default)]
pub(crate) struct PduCache {
    generations: Mutex<Generations>,
}

impl PduCache {
    fn get(&self, position: LogPosition) -> Option<StoredPdu> {
        let mut generations = self.generations.lock();
        if let Some(found) = generations.young.get(&position) {
            return Some(found.stored.clone());
        }
        let found = generations.old.remove(&position)?;
        generations.insert(found.clone());
        Some(found.stored)
    }

    /// Keeps a PDU that was read when `wiped` was asked, unless keys were destroyed since.
    fn insert(&self, stored: StoredPdu, header: EntryHeader, wiped: u64) {
        let mut generations = self.generations.lock();
        if generations.wiped == wiped {
            generations.insert(Cached { stored, header: Arc::new(header) });
        }
    }

    pub(crate) fn wiped(&self) -> u64 {
        self.generations.lock().wiped
    }

    /// Keys were destroyed: forgets the PDUs that are `gone`. What is being read at this moment is
    /// not kept either. Answers the positions of those that stay. Nobody waits for `gone`.
    pub(crate) fn forget(&self, gone: impl Fn(&EntryHeader) -> bool) -> HashSet<LogPosition> {
        let cached: Vec<Arc<EntryHeader>> = {
            let mut generations = self.generations.lock();
            // Before anybody is asked: what is kept from now on was read after the destruction.
            generations.wiped += 1;
            let Generations { young, old, .. } = &*generations;
            young.values().chain(old.values()).map(|cached| Arc::clone(&cached.header)).collect()
        };
        let (gone, left): (Vec<_>, Vec<_>) = cached.into_iter().partition(|header| gone(header));
        let mut generations = self.generations.lock();
        for header in gone {
            generations.young.remove(&header.position);
            generations.old.remove(&header.position);
        }
        left.into_iter().map(|header| header.position).collect()
    }
}

impl Generations {
    fn insert(&mut self, cached: Cached) {
        if self.young.len() >= CACHED_PDUS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(cached.stored.position, cached);
    }
}

impl WriteSide {
    /// The PDU with this id in this room; `None` if it is not stored, is another room's, or its
    /// skeleton is destroyed.
    pub async fn pdu(&self, room: &RoomId, event_id: &EventId) -> Result<Option<StoredPdu>, Fault> {
        let Some(position) = self.core().event_position(event_id.as_str())? else {
            return Ok(None);
        };
        let stored = self.pdu_at(room, position).await?;
        Ok(stored.filter(|stored| stored.pdu.room_id() == room))
    }

    /// The PDU that the entry at `position` of the stream of `room` stores.
    pub async fn pdu_at(
        &self,
        room: &RoomId,
        position: LogPosition,
    ) -> Result<Option<StoredPdu>, Fault> {
        if let Some(found) = self.pdu_cache().get(position) {
            return Ok(Some(found));
        }
        let wiped = self.pdu_cache().wiped();
        let Some((header, Fact::PduStored(fact))) = self.read_entry(position).await? else {
            return Ok(None);
        };
        let Some(room_stream) = self.room_stream(room)? else {
            return Ok(None);
        };
        if header.stream != room_stream {
            return Ok(None);
        }
        let stored = parse(room, &header, &fact)?;
        self.pdu_cache().insert(stored.clone(), header, wiped);
        Ok(Some(stored))
    }

    /// The stub of the message at `position`; `None` for everything else.
    pub(crate) async fn stub_at(&self, position: LogPosition) -> Result<Option<PduStub>, Fault> {
        Ok(match self.read_fact(position).await? {
            Some(Fact::PduStub(stub)) => Some(stub),
            _ => None,
        })
    }

    /// The id of the event stored at `position` of a room's stream, destroyed or not.
    pub(crate) async fn event_id_at(
        &self,
        room: &RoomId,
        position: LogPosition,
    ) -> Result<Option<OwnedEventId>, Fault> {
        if let Some(stored) = self.pdu_at(room, position).await? {
            return Ok(Some(stored.pdu.owned_event_id()));
        }
        let stub = self.stub_at(position).await?;
        Ok(stub.and_then(|stub| EventId::parse(stub.event_id).ok()))
    }

    /// The fact at a position, durable or not yet; `None` past the end and where it is destroyed.
    pub async fn read_fact(&self, position: LogPosition) -> Result<Option<Fact>, Fault> {
        let entry = self.read_entry(position).await?;
        Ok(entry.map(|(_, fact)| fact))
    }

    /// Header and fact at a position, durable or not yet.
    pub async fn read_entry(
        &self,
        position: LogPosition,
    ) -> Result<Option<(EntryHeader, Fact)>, Fault> {
        let recent = self.core().with_recent(|recent| recent.at(position));
        if let Some(entry) = recent {
            return Ok(entry.fact.as_deref().map(|fact| (entry.header.clone(), fact.clone())));
        }
        let journal = Arc::clone(&self.core().journal);
        let read = tokio::task::spawn_blocking(move || journal.read(position));
        let entry = read
            .await
            .map_err(|error| Fault::Unfit(format!("reading the log failed: {error}")))??;
        Ok(entry.and_then(|entry| entry.fact.map(|fact| (entry.header, fact))))
    }
}

fn parse(room: &RoomId, header: &EntryHeader, fact: &PduStored) -> Result<StoredPdu, Fault> {
    let unfit = |error| Fault::Unfit(format!("position {}: {error}", header.position));
    Ok(StoredPdu {
        position: header.position,
        batch: header.batch,
        pdu: Arc::new(Pdu::from_stored(room, fact).map_err(unfit)?),
        first_placement: fact.placement.clone().map(Arc::new),
    })
}
