//! What an entry says: the one reading of evidence that all forms share.
//!
//! Owns the making of items out of disclosed entries. An event is shown with its content while the
//! keys of that live, redacted or not; of a destroyed content the redacted form is shown. An item
//! is a function of its line and the names alone, so that it can be made again anywhere.

use event_log::Digest;
use facts::{
    Fact, LogPosition,
    fact::{PduStored, ReceiptKind, ThreadScope, Verdict},
};
use serde_json::{Map, Value};

use super::{evidence::EvidenceLine, index::Names};

/// Keys of an event that are shown (client-server API, "Room event format").
const SHOWN: [&str; 6] = ["content", "origin_server_ts", "redacts", "sender", "state_key", "type"];

/// Something in an export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// Its position in the log.
    pub(crate) position: u64,
    /// When the server recorded it, in milliseconds since the Unix epoch.
    pub(crate) recorded_at: u64,
    /// The entry's digest: the leaf of the ledger.
    pub(crate) digest: Digest,
    /// What it is.
    pub(crate) what: What,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Event(Event),
    /// From here on clients see the target in its redacted form.
    RedactionApplied {
        room: String,
        target: u64,
        by: u64,
    },
    Profile {
        user: String,
        field: String,
        value: Value,
    },
    Receipt {
        user: String,
        room: String,
        event_id: String,
        thread: Option<String>,
        private: bool,
        at: u64,
    },
    /// The keys of all of it are destroyed.
    Destroyed {
        of: String,
    },
}

/// An event of a room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) room: String,
    /// The event id.
    pub(crate) id: String,
    /// As clients see it.
    pub(crate) json: Map<String, Value>,
    pub(crate) content_destroyed: bool,
    pub(crate) verdict: Option<&'static str>,
}

/// How an event refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation<'a> {
    Replaces(&'a str),
    Annotates(&'a str, &'a str),
    Thread(&'a str),
}

impl Event {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.json.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn event_type(&self) -> &str {
        self.text("type")
    }

    pub(crate) fn sender(&self) -> &str {
        self.text("sender")
    }

    pub(crate) fn state_key(&self) -> Option<&str> {
        self.json.get("state_key").and_then(Value::as_str)
    }

    pub(crate) fn content(&self) -> Option<&Map<String, Value>> {
        self.json.get("content").and_then(Value::as_object)
    }

    pub(crate) fn content_text(&self, key: &str) -> Option<&str> {
        self.content()?.get(key)?.as_str()
    }

    /// What the event says, for people: the new text of an edit, the body of a message.
    pub(crate) fn body(&self) -> Option<&str> {
        let edited = self.content().and_then(|content| content.get("m.new_content"));
        edited.and_then(|new| new.get("body")?.as_str()).or_else(|| self.content_text("body"))
    }

    pub(crate) fn relation(&self) -> Option<Relation<'_>> {
        relation_of(self.content()?.get("m.relates_to")?)
    }

    /// The event to which it is a reply.
    pub(crate) fn replies_to(&self) -> Option<&str> {
        let relates = self.content()?.get("m.relates_to")?;
        relates.get("m.in_reply_to")?.get("event_id")?.as_str()
    }
}

fn relation_of(relates: &Value) -> Option<Relation<'_>> {
    let target = relates.get("event_id")?.as_str()?;
    match relates.get("rel_type")?.as_str()? {
        "m.replace" => Some(Relation::Replaces(target)),
        "m.annotation" => Some(Relation::Annotates(target, relates.get("key")?.as_str()?)),
        "m.thread" => Some(Relation::Thread(target)),
        _ => None,
    }
}

impl Item {
    /// The item of a line; `None` where nothing is shown of the entry, or it is for names alone.
    pub(crate) fn of(line: &EvidenceLine, names: &Names) -> Option<Self> {
        if line.is_withheld() {
            return None;
        }
        let header = &line.entry.header;
        let at = |reference: facts::EntryRef| reference.resolve(header.batch).0;
        let name = || names.of(header.stream);
        let what = match line.fact().ok()? {
            Some(Fact::PduStored(stored)) => {
                let destroyed = header.parts.len() > 1 && stored.content.is_none();
                What::Event(Event::of(name(), &stored, destroyed))
            }
            Some(Fact::PduRedacted(redacted)) => What::RedactionApplied {
                room: name(),
                target: at(redacted.target),
                by: at(redacted.by),
            },
            Some(Fact::ProfileFieldSet(set)) => {
                let value = set.value.as_deref().map(serde_json::from_slice);
                let value = value.and_then(Result::ok).unwrap_or_default();
                What::Profile { user: name(), field: set.field, value }
            }
            Some(Fact::ReceiptSet(set)) => What::Receipt {
                user: name(),
                room: set.room,
                event_id: set.event_id,
                thread: match set.thread {
                    ThreadScope::Unthreaded => None,
                    ThreadScope::Main => Some("main".to_owned()),
                    ThreadScope::Thread(root) => Some(root),
                },
                private: set.kind == ReceiptKind::ReadPrivate,
                at: set.at.0,
            },
            Some(_) => return None,
            None => What::Destroyed { of: name() },
        };
        let LogPosition(position) = header.position;
        Some(Self { position, recorded_at: header.recorded_at.0, digest: line.digest(), what })
    }

    /// The room in which it stands.
    pub(crate) fn room(&self) -> Option<&str> {
        match &self.what {
            What::Event(event) => Some(&event.room),
            What::RedactionApplied { room, .. } | What::Receipt { room, .. } => Some(room),
            What::Profile { .. } | What::Destroyed { .. } => None,
        }
    }
}

impl Event {
    fn of(room: String, stored: &PduStored, destroyed: bool) -> Self {
        let mut whole = object(&stored.redacted);
        if !destroyed {
            if let Some(residue) = &stored.residue {
                join(&mut whole, object(residue));
            }
            match &stored.content {
                Some(content) if content.whole => whole = object(&content.rest),
                Some(content) => join(&mut whole, object(&content.rest)),
                None => {}
            }
        }
        whole.retain(|key, _| SHOWN.contains(&key.as_str()));
        whole.insert("event_id".to_owned(), stored.event_id.clone().into());
        whole.insert("room_id".to_owned(), room.clone().into());
        let verdict = stored.placement.as_ref().map(|placement| match placement.verdict {
            Verdict::Accept => "accept",
            Verdict::SoftFail(_) => "soft_fail",
            Verdict::Reject(_) => "reject",
        });
        Self {
            room,
            id: stored.event_id.clone(),
            json: whole,
            content_destroyed: destroyed,
            verdict,
        }
    }
}

/// What an entry says, where that can name media.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An event as clients see it.
    Event(Map<String, Value>),
    /// The value of a profile's field.
    Profile(Value),
}

impl EvidenceLine {
    /// What the entry says, without names; `None` for other entries and for what is not shown.
    pub fn said(&self) -> Option<Said> {
        match Item::of(self, &Names::default())?.what {
            What::Event(event) => Some(Said::Event(event.json)),
            What::Profile { value, .. } => Some(Said::Profile(value)),
            _ => None,
        }
    }
}

fn object(bytes: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// The parts of an event were split by key; joining is the reverse (LOG.md section 4).
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
