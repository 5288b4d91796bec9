//! A PDU that was read: identifiers parsed, the canonical JSON kept.
//!
//! Owns [`Pdu`] and how it is made of JSON or of stored parts, and [`KnownPdu`], a PDU together
//! with where it stands. Authorization and resolution read the redacted form joined with the
//! residue where the content is destroyed. Invariants: I2, I8. Never checks a rule of a room.

mod client_form;
mod event_id;
mod known;
mod parse;
mod skeleton;
mod stub;

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, MilliSecondsSinceUnixEpoch, OwnedEventId,
    OwnedRoomId, OwnedUserId, RoomId, UserId, events::TimelineEventType,
};
use serde_json::value::RawValue;

pub(crate) use self::{
    event_id::{event_id_of, reference},
    skeleton::Skeleton,
};
pub use self::{
    known::{KnownPdu, KnownPdus, PduLookup, Standing},
    parse::PduError,
    stub::stub_of,
};

/// A PDU of a known room.
#[derive(Clone, Debug)]
pub struct Pdu {
    event_id: OwnedEventId,
    room_id: OwnedRoomId,
    names_room: bool,
    sender: OwnedUserId,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    event_type: TimelineEventType,
    state_key: Option<String>,
    content: Box<RawValue>,
    prev_events: Vec<OwnedEventId>,
    auth_events: Vec<OwnedEventId>,
    redacts: Option<OwnedEventId>,
    depth: u64,
    json: CanonicalJsonObject,
}

impl Pdu {
    /// The event id.
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The event id, owned.
    pub fn owned_event_id(&self) -> OwnedEventId {
        self.event_id.clone()
    }

    /// The room, also where the PDU itself does not name it (a create event of version 12).
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// Who sent it.
    pub fn sender(&self) -> &UserId {
        &self.sender
    }

    /// The sender's clock, milliseconds since the Unix epoch.
    pub fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.origin_server_ts
    }

    /// The event type.
    pub fn event_type(&self) -> &TimelineEventType {
        &self.event_type
    }

    /// The state key of a state event.
    pub fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    /// The content as JSON text.
    pub fn content(&self) -> &RawValue {
        &self.content
    }

    /// The content as an object; `None` where it is none.
    pub fn content_object(&self) -> Option<&CanonicalJsonObject> {
        self.json.get("content").and_then(CanonicalJsonValue::as_object)
    }

    /// A string directly in the content.
    pub fn content_str(&self, key: &str) -> Option<&str> {
        self.content_object()?.get(key)?.as_str()
    }

    /// Ids of the events before it.
    pub fn prev_events(&self) -> &[OwnedEventId] {
        &self.prev_events
    }

    /// Ids of the events that authorize it.
    pub fn auth_events(&self) -> &[OwnedEventId] {
        &self.auth_events
    }

    /// The event that a redaction wants redacted, wherever the room's version keeps it.
    pub fn redacts(&self) -> Option<&EventId> {
        self.redacts.as_deref()
    }

    /// Depth in the graph.
    pub fn depth(&self) -> u64 {
        self.depth
    }

    /// The whole PDU.
    pub fn json(&self) -> &CanonicalJsonObject {
        &self.json
    }

    /// True for a state event of this type and key.
    pub fn is_state(&self, event_type: &str, state_key: &str) -> bool {
        self.event_type == event_type.into() && self.state_key() == Some(state_key)
    }
}
