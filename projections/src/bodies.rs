//! Bodies: facts and events read from the log by position, behind a bounded cache.
//!
//! Owns the cache and the choice between an event's full and redacted form. The view's rows hold
//! positions only, so destroying a key reaches every reader at once: the cache is emptied of
//! everything when a destruction is ordered. Never decides who may see an event.

mod cache;
mod event_body;
mod event_head;

use std::{collections::HashSet, sync::Arc};

use facts::{EntryHeader, Fact, LogPosition, StreamId, Timestamp};
use parking_lot::Mutex;

use self::cache::ByteCache;
pub use self::event_body::{EventBody, join_part};
use crate::source::{EntrySource, SourceError};

/// Stored bytes of events kept in memory; read, an event takes several times as much.
const EVENTS_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of other entries kept in memory.
const FACTS_BYTES: usize = 4 * 1024 * 1024;
/// Positions of which it is known that no event can be read there; of 16 bytes each, about.
const GONE_MAX: usize = 100_000;

/// An opened entry that somebody reads.
#[derive(Clone, Debug)]
pub struct Body {
    /// Position.
    pub position: LogPosition,
    /// Stream.
    pub stream: StreamId,
    /// Who acted.
    pub actor: StreamId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The fact.
    pub fact: Fact,
}

/// Entries by position.
pub struct Bodies {
    source: Arc<dyn EntrySource>,
    facts: Mutex<ByteCache<Arc<Body>>>,
    events: Mutex<ByteCache<Arc<EventBody>>>,
    /// Destroyed events leave their rows in the view, where each look at a timeline meets them.
    /// What is gone stays gone.
    gone: Mutex<HashSet<LogPosition>>,
}

/// A moment before an entry was read: what is destroyed since is not kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadSince(u64);

impl Bodies {
    /// Reads from `source`.
    pub fn new(source: Arc<dyn EntrySource>) -> Self {
        Self {
            source,
            facts: Mutex::new(ByteCache::new(FACTS_BYTES)),
            events: Mutex::new(ByteCache::new(EVENTS_BYTES)),
            gone: Mutex::default(),
        }
    }

    /// The entry at a position; `None` where its keys are destroyed or it does not exist.
    ///
    /// Blocks on the disk when it is not cached.
    pub fn get(&self, position: LogPosition) -> Result<Option<Arc<Body>>, SourceError> {
        cached(&self.facts, position, || {
            let Some((header, fact)) = self.read(position)? else {
                return Ok(None);
            };
            let body = Body {
                position,
                stream: header.stream,
                actor: header.actor,
                recorded_at: header.recorded_at,
                fact: Arc::unwrap_or_clone(fact),
            };
            Ok(Some((Arc::new(body), stored_bytes(&header))))
        })
    }

    /// The event stored at a position.
    pub fn event(&self, position: LogPosition) -> Result<Option<Arc<EventBody>>, SourceError> {
        if self.gone.lock().contains(&position) {
            return Ok(None);
        }
        cached(&self.events, position, || {
            let Some(entry) = self.source.read(position)? else { return Ok(None) };
            let header = entry.header;
            let event = entry.fact.and_then(|fact| EventBody::of(&fact, header.recorded_at));
            if event.is_none() {
                self.is_gone(position);
            }
            Ok(event.map(|event| (Arc::new(event), stored_bytes(&header))))
        })
    }

    fn is_gone(&self, position: LogPosition) {
        let mut gone = self.gone.lock();
        if gone.len() >= GONE_MAX {
            gone.clear();
        }
        gone.insert(position);
    }

    fn read(&self, position: LogPosition) -> Result<Option<(EntryHeader, Arc<Fact>)>, SourceError> {
        let entry = self.source.read(position)?;
        Ok(entry.and_then(|entry| Some((entry.header, entry.fact?))))
    }

    /// Said before entries are read that [`Self::keep`] is handed.
    pub(crate) fn reading(&self) -> ReadSince {
        ReadSince(self.events.lock().generation())
    }

    /// Keeps an event that a follower has at hand: clients ask for new ones first.
    pub(crate) fn keep(&self, header: &EntryHeader, event: Arc<EventBody>, since: ReadSince) {
        self.events.lock().insert(header.position.0, event, stored_bytes(header), since.0);
    }

    /// Forgets everything; called when keys are about to be destroyed. What is being read at this
    /// moment is not cached either.
    pub fn clear(&self) {
        self.facts.lock().clear();
        self.events.lock().clear();
    }
}

fn stored_bytes(header: &EntryHeader) -> usize {
    header.parts.iter().map(|part| part.length as usize).sum()
}

fn cached<V>(
    cache: &Mutex<ByteCache<Arc<V>>>,
    position: LogPosition,
    read: impl FnOnce() -> Result<Option<(Arc<V>, usize)>, SourceError>,
) -> Result<Option<Arc<V>>, SourceError> {
    let generation = {
        let mut cache = cache.lock();
        if let Some(value) = cache.get(position.0) {
            return Ok(Some(value));
        }
        cache.generation()
    };
    let Some((value, bytes)) = read()? else {
        return Ok(None);
    };
    cache.lock().insert(position.0, value.clone(), bytes, generation);
    Ok(Some(value))
}
