//! Bodies: facts and events read from the log by position, behind a bounded cache.
//!
//! Owns the cache and the choice between an event's full and redacted form. The view's rows hold
//! positions only, so destroying a key reaches every reader at once: the cache is emptied of
//! everything when a destruction is ordered. Never decides who may see an event.

mod cache;

use std::sync::Arc;

use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{ClientTxn, PduStored},
};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use self::cache::ByteCache;
use crate::source::{EntrySource, SourceError};

/// Bytes of entries kept in memory.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

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
    /// The event in full, for a `PduStored`.
    pub event: Option<Arc<EventBody>>,
}

/// An event's JSON.
#[derive(Clone, Debug)]
pub struct EventBody {
    /// Event id.
    pub event_id: String,
    /// The PDU in full; the redacted form where the content is destroyed.
    pub full: Map<String, Value>,
    /// The redacted form.
    pub redacted: Map<String, Value>,
    /// True where the content is destroyed.
    pub destroyed: bool,
    /// The client's transaction, for events of this server.
    pub txn: Option<ClientTxn>,
}

impl EventBody {
    pub(crate) fn of(stored: &PduStored) -> Option<Self> {
        let redacted: Map<String, Value> = serde_json::from_slice(&stored.redacted).ok()?;
        let full = match &stored.content {
            None => None,
            Some(content) if content.whole => serde_json::from_slice(&content.rest).ok(),
            Some(content) => join_all(&redacted, stored.residue.as_deref(), &content.rest),
        };
        Some(Self {
            event_id: stored.event_id.clone(),
            destroyed: full.is_none(),
            full: full.unwrap_or_else(|| redacted.clone()),
            redacted,
            txn: stored.content.as_ref().and_then(|content| content.txn.clone()),
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

/// The parts of a PDU joined as `facts::pdu::merge` does, without writing them out in between.
fn join_all(
    redacted: &Map<String, Value>,
    residue: Option<&[u8]>,
    rest: &[u8],
) -> Option<Map<String, Value>> {
    let mut full = redacted.clone();
    for part in [residue, Some(rest)].into_iter().flatten() {
        join(&mut full, serde_json::from_slice(part).ok()?);
    }
    Some(full)
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
    cache: Mutex<ByteCache<Arc<Body>>>,
}

impl Bodies {
    /// Reads from `source`.
    pub fn new(source: Arc<dyn EntrySource>) -> Self {
        Self { source, cache: Mutex::new(ByteCache::new(CACHE_BYTES)) }
    }

    /// The entry at a position; `None` where its keys are destroyed or it does not exist.
    ///
    /// Blocks on the disk when it is not cached.
    pub fn get(&self, position: LogPosition) -> Result<Option<Arc<Body>>, SourceError> {
        let generation = {
            let mut cache = self.cache.lock();
            if let Some(body) = cache.get(position.0) {
                return Ok(Some(body));
            }
            cache.generation()
        };
        let Some(entry) = self.source.read(position)? else {
            return Ok(None);
        };
        let Some(fact) = entry.fact else {
            return Ok(None);
        };
        let bytes = entry.header.parts.iter().map(|part| part.length as usize).sum();
        let body = Arc::new(Body {
            position,
            stream: entry.header.stream,
            actor: entry.header.actor,
            recorded_at: entry.header.recorded_at,
            event: match &fact {
                Fact::PduStored(stored) => EventBody::of(stored).map(Arc::new),
                _ => None,
            },
            fact,
        });
        self.cache.lock().insert(position.0, body.clone(), bytes, generation);
        Ok(Some(body))
    }

    /// The event stored at a position.
    pub fn event(&self, position: LogPosition) -> Result<Option<Arc<EventBody>>, SourceError> {
        Ok(self.get(position)?.and_then(|body| body.event.clone()))
    }

    /// Forgets everything; called when keys are about to be destroyed. What is being read at this
    /// moment is not cached either.
    pub fn clear(&self) {
        self.cache.lock().clear();
    }
}
