//! Bodies: facts and events read from the log by position, behind a bounded cache.
//!
//! Owns the cache and the choice between an event's full and redacted form. The view's rows hold
//! positions only, so destroying a key reaches every reader at once: the cache is emptied of
//! everything when a destruction is ordered. Never decides who may see an event.

mod cache;

use std::sync::{Arc, OnceLock};

use facts::{
    EntryHeader, Fact, LogPosition, StreamId, Timestamp,
    fact::{ClientTxn, PduStored},
};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use self::cache::ByteCache;
use crate::source::{EntrySource, SourceError};

/// Stored bytes of events kept in memory; read, an event takes several times as much.
const EVENTS_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of other entries kept in memory.
const FACTS_BYTES: usize = 4 * 1024 * 1024;

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

/// An event's JSON.
#[derive(Debug)]
pub struct EventBody {
    /// Event id.
    pub event_id: String,
    /// The PDU in full; the redacted form where the content is destroyed.
    pub full: Map<String, Value>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// True where the content is destroyed.
    pub destroyed: bool,
    /// The client's transaction, for events of this server.
    pub txn: Option<ClientTxn>,
    /// Canonical JSON of the redacted form.
    redacted_bytes: Box<[u8]>,
    /// Read from the bytes when somebody asks: few events are redacted.
    redacted: OnceLock<Map<String, Value>>,
}

impl EventBody {
    pub(crate) fn of(stored: &PduStored, recorded_at: Timestamp) -> Option<Self> {
        let redacted: Map<String, Value> = serde_json::from_slice(&stored.redacted).ok()?;
        let (full, destroyed) = match &stored.content {
            None => (redacted, true),
            Some(content) if content.whole => match serde_json::from_slice(&content.rest) {
                Ok(whole) => (whole, false),
                Err(_) => (redacted, true),
            },
            Some(content) => join_all(redacted, stored.residue.as_deref(), &content.rest),
        };
        Some(Self {
            event_id: stored.event_id.clone(),
            full,
            recorded_at,
            destroyed,
            txn: stored.content.as_ref().and_then(|content| content.txn.clone()),
            redacted_bytes: stored.redacted.as_slice().into(),
            redacted: OnceLock::new(),
        })
    }

    /// The redacted form.
    pub fn redacted(&self) -> &Map<String, Value> {
        if self.destroyed {
            return &self.full;
        }
        self.redacted.get_or_init(|| {
            // They were read when this was made.
            serde_json::from_slice(&self.redacted_bytes).unwrap_or_default()
        })
    }

    /// A string at the top level of the event.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.full.get(key).and_then(Value::as_str)
    }

    /// A string in the event's content.
    pub fn content_str(&self, key: &str) -> Option<&str> {
        self.full.get("content")?.get(key)?.as_str()
    }
}

/// The parts of a PDU joined as `facts::pdu::merge` does, without writing them out in between;
/// the redacted form, and true, where a part cannot be read.
fn join_all(
    redacted: Map<String, Value>,
    residue: Option<&[u8]>,
    rest: &[u8],
) -> (Map<String, Value>, bool) {
    let parts: Result<Vec<Map<String, Value>>, _> =
        [residue, Some(rest)].into_iter().flatten().map(serde_json::from_slice).collect();
    let Ok(parts) = parts else {
        return (redacted, true);
    };
    let mut full = redacted;
    for part in parts {
        join(&mut full, part);
    }
    (full, false)
}

fn join(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => join(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Entries by position.
pub struct Bodies {
    source: Arc<dyn EntrySource>,
    facts: Mutex<ByteCache<Arc<Body>>>,
    events: Mutex<ByteCache<Arc<EventBody>>>,
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
                fact,
            };
            Ok(Some((Arc::new(body), stored_bytes(&header))))
        })
    }

    /// The event stored at a position.
    pub fn event(&self, position: LogPosition) -> Result<Option<Arc<EventBody>>, SourceError> {
        cached(&self.events, position, || {
            let Some((header, Fact::PduStored(stored))) = self.read(position)? else {
                return Ok(None);
            };
            let event = EventBody::of(&stored, header.recorded_at).map(Arc::new);
            Ok(event.map(|event| (event, stored_bytes(&header))))
        })
    }

    fn read(&self, position: LogPosition) -> Result<Option<(EntryHeader, Fact)>, SourceError> {
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
