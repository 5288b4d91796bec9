//! What an entry says: the one reading of evidence that all forms share.
//!
//! Owns the making of items out of disclosed entries. An event is shown with its content while the
//! keys of that live, redacted or not; of a destroyed content the redacted form is shown. An item
//! is a function of its line and the names alone, so that it can be made again anywhere.

use std::sync::Arc;

use event_log::Digest;
use facts::{
    Fact,
    fact::{ReceiptKind, ThreadScope},
};
use serde_json::{Map, Value};

use super::{
    event::Event,
    evidence::{EvidenceLine, Left},
    index::Names,
    media::media_ids_of,
};

/// Something in an export.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(crate) enum What {
    Event(Arc<Event>),
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

impl Item {
    /// The item of a line; `None` where nothing is shown of the entry, or it is for names alone.
    pub(crate) fn of(line: &EvidenceLine, names: &Names) -> Option<Self> {
        let what = What::of(line, line.left()?, names)?;
        let header = &line.entry.header;
        let (position, recorded_at) = (header.position.0, header.recorded_at.0);
        Some(Self { position, recorded_at, digest: line.digest(), what })
    }
}

impl What {
    /// What a line says of which this is left; `None` where it is for names alone.
    pub(super) fn of(line: &EvidenceLine, left: Left, names: &Names) -> Option<Self> {
        let header = &line.entry.header;
        let at = |reference: facts::EntryRef| reference.resolve(header.batch).0;
        let name = || names.of(header.stream);
        let Left(Some(fact)) = left else {
            return Some(Self::Destroyed { of: name() });
        };
        Some(match fact {
            Fact::PduStored(stored) => {
                let destroyed = header.parts.len() > 1 && stored.content.is_none();
                Self::Event(Arc::new(Event::of(name(), &stored, destroyed)))
            }
            Fact::PduRedacted(redacted) => Self::RedactionApplied {
                room: name(),
                target: at(redacted.target),
                by: at(redacted.by),
            },
            Fact::ProfileFieldSet(set) => {
                let value = set.value.as_deref().map(serde_json::from_slice);
                let value = value.and_then(Result::ok).unwrap_or_default();
                Self::Profile { user: name(), field: set.field, value }
            }
            Fact::ReceiptSet(set) => Self::Receipt {
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
            _ => return None,
        })
    }

    /// The room in which it stands.
    pub(crate) fn room(&self) -> Option<&str> {
        match self {
            Self::Event(event) => Some(&event.room),
            Self::RedactionApplied { room, .. } | Self::Receipt { room, .. } => Some(room),
            Self::Profile { .. } | Self::Destroyed { .. } => None,
        }
    }
}

/// What an entry needs to be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Who sent the event; `None` for what is no event.
    pub sender: Option<String>,
    /// Ids of the media of this server that it names.
    pub media: Vec<String>,
}

impl EvidenceLine {
    /// Whether it is the membership of somebody who is joined from there on.
    pub fn is_join(&self) -> bool {
        let names = Names::default();
        let what = self.left().and_then(|left| What::of(self, left, &names));
        matches!(what, Some(What::Event(event)) if event.event_type() == "m.room.member"
            && event.content_text("membership") == Some("join"))
    }

    /// What the entry mentions of a server's; nothing for entries that are not shown.
    pub fn mentions(&self, server: &str) -> Mentions {
        let names = Names::default();
        let what = self.left().and_then(|left| What::of(self, left, &names));
        match &what {
            Some(What::Event(event)) => {
                Mentions { sender: Some(event.sender().to_owned()), media: event.media_ids(server) }
            }
            Some(What::Profile { value, .. }) => {
                Mentions { sender: None, media: avatar_ids(value, server) }
            }
            _ => Mentions::default(),
        }
    }
}

/// Media that a profile's field names.
pub(super) fn avatar_ids(value: &Value, server: &str) -> Vec<String> {
    media_ids_of(&Map::from_iter([("avatar_url".to_owned(), value.clone())]), server)
}
