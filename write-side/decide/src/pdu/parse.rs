//! Reading a PDU from JSON.
//!
//! Lenient where the room's rules are not needed: references may be ids or pairs of id and hashes
//! (room versions 1 and 2). Format, size and signatures are checked elsewhere.

use facts::fact::PduStored;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, MilliSecondsSinceUnixEpoch, OwnedEventId,
    RoomId, UInt, UserId,
};
use serde_json::value::to_raw_value;

use super::Pdu;

/// Why JSON is no PDU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// A field is missing or has the wrong shape.
    #[error("field `{0}` of a PDU is missing or has the wrong shape")]
    Field(&'static str),
    /// The stored parts are no JSON objects.
    #[error("the stored parts of a PDU cannot be joined")]
    Parts,
    /// It names another room.
    #[error("a PDU names another room")]
    OtherRoom,
}

impl Pdu {
    /// Reads a PDU of `room_id`.
    pub fn from_json(
        event_id: OwnedEventId,
        room_id: &RoomId,
        json: CanonicalJsonObject,
    ) -> Result<Self, PduError> {
        let names_room = json.contains_key("room_id");
        if names_room && str_of(&json, "room_id") != Some(room_id.as_str()) {
            return Err(PduError::OtherRoom);
        }
        let content = json.get("content").ok_or(PduError::Field("content"))?;
        let content_redacts = content.as_object().and_then(|content| str_of(content, "redacts"));
        let event_type = str_of(&json, "type").ok_or(PduError::Field("type"))?;
        let redacts = (event_type == "m.room.redaction")
            .then(|| str_of(&json, "redacts").or(content_redacts))
            .flatten()
            .and_then(|id| EventId::parse(id).ok());
        Ok(Self {
            event_id,
            room_id: room_id.to_owned(),
            names_room,
            sender: str_of(&json, "sender")
                .and_then(|id| UserId::parse(id).ok())
                .ok_or(PduError::Field("sender"))?,
            origin_server_ts: MilliSecondsSinceUnixEpoch(
                UInt::try_from(uint_of(&json, "origin_server_ts")?)
                    .map_err(|_| PduError::Field("origin_server_ts"))?,
            ),
            event_type: event_type.into(),
            state_key: optional_str(&json, "state_key")?,
            content: to_raw_value(content).map_err(|_| PduError::Field("content"))?,
            prev_events: references(&json, "prev_events")?,
            auth_events: references(&json, "auth_events")?,
            redacts,
            depth: uint_of(&json, "depth")?,
            json,
        })
    }

    /// The PDU as it was accepted; what authorization may read of it where the content is
    /// destroyed.
    pub fn from_stored(room_id: &RoomId, stored: &PduStored) -> Result<Self, PduError> {
        let bytes = match &stored.content {
            Some(content) if content.whole => content.rest.clone(),
            Some(content) => {
                facts::pdu::merge(&stored.redacted, stored.residue.as_deref(), &content.rest)
                    .map_err(|_| PduError::Parts)?
            }
            None => return Self::from_skeleton(room_id, stored),
        };
        Self::from_bytes(&stored.event_id, room_id, &bytes)
    }

    /// The PDU without what redaction strips, but with the residue: what authorization and
    /// resolution read. Never served.
    pub fn from_skeleton(room_id: &RoomId, stored: &PduStored) -> Result<Self, PduError> {
        let bytes = facts::pdu::merge(&stored.redacted, stored.residue.as_deref(), b"{}")
            .map_err(|_| PduError::Parts)?;
        Self::from_bytes(&stored.event_id, room_id, &bytes)
    }

    /// The redacted form, without the residue: what clients and peers get after a redaction.
    pub fn from_redacted_form(room_id: &RoomId, stored: &PduStored) -> Result<Self, PduError> {
        Self::from_bytes(&stored.event_id, room_id, &stored.redacted)
    }

    fn from_bytes(event_id: &str, room_id: &RoomId, bytes: &[u8]) -> Result<Self, PduError> {
        let json = serde_json::from_slice(bytes).map_err(|_| PduError::Parts)?;
        let event_id = EventId::parse(event_id).map_err(|_| PduError::Field("event_id"))?;
        Self::from_json(event_id, room_id, json)
    }
}

fn str_of<'a>(json: &'a CanonicalJsonObject, key: &str) -> Option<&'a str> {
    json.get(key).and_then(CanonicalJsonValue::as_str)
}

fn optional_str(json: &CanonicalJsonObject, key: &'static str) -> Result<Option<String>, PduError> {
    match json.get(key) {
        None => Ok(None),
        Some(CanonicalJsonValue::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(PduError::Field(key)),
    }
}

fn uint_of(json: &CanonicalJsonObject, key: &'static str) -> Result<u64, PduError> {
    json.get(key)
        .and_then(CanonicalJsonValue::as_integer)
        .and_then(|number| u64::try_from(i64::from(number)).ok())
        .ok_or(PduError::Field(key))
}

fn references(
    json: &CanonicalJsonObject,
    key: &'static str,
) -> Result<Vec<OwnedEventId>, PduError> {
    json.get(key)
        .and_then(CanonicalJsonValue::as_array)
        .ok_or(PduError::Field(key))?
        .iter()
        .map(|reference| {
            reference
                .as_str()
                .or_else(|| reference.as_array()?.first()?.as_str())
                .and_then(|id| EventId::parse(id).ok())
                .ok_or(PduError::Field(key))
        })
        .collect()
}
