//! What a case shows of an entry.
//!
//! Owns the form of events, redactions and profile changes for readers of a case. An event is
//! shown with its content while the keys of that live, whether or not it was redacted; the
//! redaction is an item of its own, where it stands in the log. Of a destroyed content nothing is
//! shown but the redacted form. Never decides who may read.

use commands::WriteSide;
use decide::pdu::Pdu;
use event_log::Entry;
use facts::{
    EntryHeader, Fact,
    fact::{FactBody, PduRedacted, PduStored, ProfileFieldSet, Verdict},
};
use ruma::RoomId;
use serde_json::{Map, Value, json};

/// The facts that are shown.
pub(super) const SHOWN: [u16; 3] = [PduStored::TYPE, PduRedacted::TYPE, ProfileFieldSet::TYPE];

/// Why an entry cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("the entry at {0} cannot be shown: {1}")]
pub(super) struct Unshown(facts::LogPosition, String);

/// What is shown of an entry; `fact` is `None` where all of it is destroyed.
pub(super) fn event_json(
    ws: &WriteSide,
    entry: &Entry,
    fact: Option<&Fact>,
) -> Result<Value, Unshown> {
    let header = &entry.header;
    let unshown = |why: String| Unshown(header.position, why);
    let stream = ws.core().stream(header.stream).map_err(|error| unshown(error.to_string()))?;
    let name = stream.map(|(_, name)| name).unwrap_or_default();
    let mut item = Map::new();
    item.insert("position".to_owned(), header.position.0.into());
    item.insert("recorded_at".to_owned(), header.recorded_at.0.into());
    let more = match fact {
        Some(Fact::PduStored(stored)) => of_event(header, stored, &name).map_err(unshown)?,
        Some(Fact::PduRedacted(redacted)) => json!({
            "kind": "redaction_applied",
            "room_id": name,
            "target": redacted.target.resolve(header.batch).0,
            "by": redacted.by.resolve(header.batch).0,
        }),
        Some(Fact::ProfileFieldSet(set)) => json!({
            "kind": "profile",
            "user_id": name,
            "field": set.field,
            "value": set.value.as_deref().and_then(|json| serde_json::from_slice::<Value>(json).ok()),
        }),
        _ => json!({ "kind": "destroyed", "of": name }),
    };
    if let Value::Object(more) = more {
        item.extend(more);
    }
    Ok(Value::Object(item))
}

fn of_event(header: &EntryHeader, stored: &PduStored, room: &str) -> Result<Value, String> {
    let room_id = RoomId::parse(room).map_err(|error| error.to_string())?;
    // A header with a second part and a fact without: its key is destroyed.
    let destroyed = header.parts.len() > 1 && stored.content.is_none();
    let shown = if destroyed {
        Pdu::from_redacted_form(&room_id, stored)
    } else {
        Pdu::from_stored(&room_id, stored)
    };
    let event = match shown {
        Ok(pdu) => serde_json::to_value(pdu.client_event(None)),
        // What cannot be read as an event is shown as it is stored.
        Err(_) => serde_json::from_slice(&stored.redacted),
    };
    Ok(json!({
        "kind": "event",
        "room_id": room,
        "event_id": stored.event_id,
        "event": event.map_err(|error| error.to_string())?,
        "content_destroyed": destroyed,
        "verdict": stored.placement.as_ref().map(|placement| verdict(placement.verdict)),
    }))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::SoftFail(_) => "soft_fail",
        Verdict::Reject(_) => "reject",
    }
}
