//! An event as readers get it.
//!
//! Owns the choice of when its JSON is read: what projecting looks at stands in its head, the rest
//! is read when somebody asks for it, for most events are shown to nobody before they leave memory.
//! A part that cannot be read counts as destroyed. Never decides who may see an event.

use std::sync::{Arc, OnceLock};

use facts::{
    Fact, Timestamp,
    fact::{ClientTxn, PduStored, PduStub},
};
use serde_json::{Map, Value};

use super::event_head::EventHead;

/// An event's JSON.
#[derive(Debug)]
pub struct EventBody {
    /// Event id.
    pub event_id: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// True where the content is destroyed.
    pub destroyed: bool,
    head: EventHead,
    /// The fact that stores it.
    fact: Arc<Fact>,
    full: OnceLock<Map<String, Value>>,
    redacted: OnceLock<Map<String, Value>>,
}

impl EventBody {
    /// Reads the head of the event that `fact` stores; `None` where it stores none, or none that
    /// can be read.
    pub(crate) fn of(fact: &Arc<Fact>, recorded_at: Timestamp) -> Option<Self> {
        let Fact::PduStored(stored) = &**fact else {
            return None;
        };
        let (head, full, destroyed) = if let Some(head) = EventHead::plain(stored) {
            (head, OnceLock::new(), false)
        } else {
            let (full, destroyed) = read(stored)?;
            (EventHead::of(&full), OnceLock::from(full), destroyed)
        };
        Some(Self {
            event_id: stored.event_id.clone(),
            recorded_at,
            destroyed,
            head,
            fact: fact.clone(),
            full,
            redacted: OnceLock::new(),
        })
    }

    /// What projecting needs of a message of which only a stub is left: id and edges. Nobody reads
    /// it: [`super::Bodies::event`] gives no such body.
    pub(crate) fn of_stub(stub: &PduStub, fact: &Arc<Fact>, recorded_at: Timestamp) -> Self {
        let prev_events = stub.prev_events.clone();
        Self {
            event_id: stub.event_id.clone(),
            recorded_at,
            destroyed: true,
            head: EventHead { prev_events, ..EventHead::default() },
            fact: fact.clone(),
            full: OnceLock::from(Map::new()),
            redacted: OnceLock::new(),
        }
    }

    /// Whether only a stub is left.
    pub(crate) fn is_stub(&self) -> bool {
        matches!(&*self.fact, Fact::PduStub(_))
    }

    /// What projecting looks at.
    pub(crate) fn head(&self) -> &EventHead {
        &self.head
    }

    /// The PDU in full; the redacted form where the content is destroyed.
    pub fn full(&self) -> &Map<String, Value> {
        self.full.get_or_init(|| {
            // They could be read when the head was.
            self.stored().and_then(read).map(|(full, _)| full).unwrap_or_default()
        })
    }

    /// The redacted form.
    pub fn redacted(&self) -> &Map<String, Value> {
        if self.destroyed {
            return self.full();
        }
        self.redacted.get_or_init(|| {
            let stored = self.stored();
            stored.and_then(|of| serde_json::from_slice(&of.redacted).ok()).unwrap_or_default()
        })
    }

    /// The client's transaction, for events of this server.
    pub fn txn(&self) -> Option<&ClientTxn> {
        self.stored()?.content.as_ref()?.txn.as_ref()
    }

    /// Whether it may refer to media: looks for the scheme in the stored bytes, which are canonical
    /// JSON and so write it in one way only.
    pub(crate) fn may_name_media(&self) -> bool {
        const SCHEME: &[u8] = b"mxc://";
        let names = |bytes: &[u8]| bytes.windows(SCHEME.len()).any(|window| window == SCHEME);
        self.stored().is_some_and(|stored| {
            let content = stored.content.as_ref().map(|content| content.rest.as_slice());
            let residue = stored.residue.as_deref();
            names(&stored.redacted) || [content, residue].into_iter().flatten().any(names)
        })
    }

    /// A string at the top level of the event.
    pub fn str(&self, key: &str) -> Option<&str> {
        match key {
            "type" => self.head.event_type.as_deref(),
            "sender" => self.head.sender.as_deref(),
            "state_key" => self.head.state_key.as_deref(),
            _ => self.full().get(key).and_then(Value::as_str),
        }
    }

    /// A string in the event's content.
    pub fn content_str(&self, key: &str) -> Option<&str> {
        self.full().get("content")?.get(key)?.as_str()
    }

    fn stored(&self) -> Option<&PduStored> {
        match &*self.fact {
            Fact::PduStored(stored) => Some(stored),
            _ => None,
        }
    }
}

/// The PDU in full, or its redacted form, and true, where the content cannot be read.
fn read(stored: &PduStored) -> Option<(Map<String, Value>, bool)> {
    let redacted: Map<String, Value> = serde_json::from_slice(&stored.redacted).ok()?;
    Some(match &stored.content {
        None => (redacted, true),
        Some(content) if content.whole => match serde_json::from_slice(&content.rest) {
            Ok(whole) => (whole, false),
            Err(_) => (redacted, true),
        },
        Some(content) => join_all(redacted, stored.residue.as_deref(), &content.rest),
    })
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
        join_part(&mut full, part);
    }
    (full, false)
}

/// Joins a stored part of an event into the others: the parts were split by key (LOG.md section 4).
pub fn join_part(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => join_part(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
