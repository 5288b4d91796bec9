//! A PDU of another server before it is stored.
//!
//! Owns the checks that need no room state (server-server API, "Checks performed on receipt of a
//! PDU", 1 to 3): canonical form, format, size, event id, signatures and content hash. What fails
//! them is dropped and never stored; a bad content hash alone leaves the redacted form.

use facts::Timestamp;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, RoomId,
    canonical_json::redact,
    room_version_rules::RoomVersionRules,
    signatures::{PublicKeyMap, Verified, verify_event},
    state_res::check_pdu_format,
};

use super::batch::{RoomFact, stored_fact};
use crate::pdu::{Pdu, event_id_of};

/// PDUs of other servers are at most this large, in canonical JSON without `unsigned`.
pub const RECEIVED_BYTES_MAX: usize = 65_536;
/// A PDU's text as it came may be this large: `unsigned` and white space do not count.
const TEXT_BYTES_MAX: usize = 4 * RECEIVED_BYTES_MAX;

/// Why a PDU is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropReason {
    /// Not canonical JSON: no object, a float, an integer out of range.
    #[error("not canonical JSON")]
    NotCanonical,
    /// Larger than 65,536 bytes.
    #[error("too large")]
    TooLarge,
    /// A field is missing or has the wrong shape.
    #[error("bad format: {0}")]
    Format(String),
    /// It belongs to another room.
    #[error("another room's")]
    OtherRoom,
    /// A signature is missing or wrong.
    #[error("bad signature: {0}")]
    Signature(String),
}

/// Who checked the signatures.
#[derive(Clone, Copy, Debug)]
pub enum Signatures<'a> {
    /// Nobody: check them with these keys.
    Keys(&'a PublicKeyMap),
    /// The caller did, and the content hash is good.
    Good,
    /// The caller did, and the content hash is not good.
    GoodButContent,
}

/// A PDU that may be stored.
#[derive(Clone, Debug)]
pub struct ReceivedPdu {
    /// The PDU as it is accepted.
    pub pdu: Pdu,
    /// True where its content hash was bad and the redacted form was taken.
    pub is_redacted: bool,
}

impl ReceivedPdu {
    /// The fact that stores it without a placement.
    pub fn fact(&self, rules: &RoomVersionRules) -> Option<RoomFact> {
        stored_fact(&self.pdu, rules, None, None)
    }

    /// The sender's clock.
    pub fn origin_server_ts(&self) -> Timestamp {
        Timestamp(self.pdu.origin_server_ts().0.into())
    }
}

/// Checks what another server sent as a PDU of `room_id`.
pub fn decide_store(
    text: &str,
    room_id: &RoomId,
    rules: &RoomVersionRules,
    signatures: Signatures<'_>,
) -> Result<ReceivedPdu, DropReason> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(DropReason::TooLarge);
    }
    let mut json: CanonicalJsonObject =
        serde_json::from_str(text).map_err(|_| DropReason::NotCanonical)?;
    json.remove("unsigned");
    check_size(&json)?;
    check_format(&json, room_id, rules)?;
    let verified = match signatures {
        Signatures::Good => Verified::All,
        Signatures::GoodButContent => Verified::Signatures,
        Signatures::Keys(keys) => verify_event(keys, &json, rules)
            .map_err(|error| DropReason::Signature(error.to_string()))?,
    };
    let is_redacted = verified != Verified::All;
    if is_redacted {
        json = redact(json, &rules.redaction, None)
            .map_err(|error| DropReason::Format(error.to_string()))?;
    }
    let event_id = event_id_of(&json, rules)
        .ok()
        .flatten()
        .ok_or_else(|| DropReason::Format("no event id".to_owned()))?;
    let pdu = Pdu::from_json(event_id, room_id, json)
        .map_err(|error| DropReason::Format(error.to_string()))?;
    Ok(ReceivedPdu { pdu, is_redacted })
}

fn check_size(json: &CanonicalJsonObject) -> Result<(), DropReason> {
    let bytes = serde_json::to_vec(json).map_err(|_| DropReason::NotCanonical)?;
    if bytes.len() > RECEIVED_BYTES_MAX {
        return Err(DropReason::TooLarge);
    }
    Ok(())
}

fn check_format(
    json: &CanonicalJsonObject,
    room_id: &RoomId,
    rules: &RoomVersionRules,
) -> Result<(), DropReason> {
    if !matches!(json.get("content"), Some(CanonicalJsonValue::Object(_))) {
        return Err(DropReason::Format("`content` is no object".to_owned()));
    }
    // Ruma's check measures one byte less than we accept; the size is checked above, so it looks
    // at everything but the content, which has no format of its own.
    let mut frame = json.clone();
    frame.remove("content");
    check_pdu_format(&frame, &rules.event_format).map_err(DropReason::Format)?;
    match json.get("room_id").map(CanonicalJsonValue::as_str) {
        Some(Some(named)) if named == room_id.as_str() => Ok(()),
        Some(_) => Err(DropReason::OtherRoom),
        // The format check lets only a create event of version 12 and later leave it out; its hash
        // names the room.
        None => {
            let names = event_id_of(json, rules)
                .ok()
                .flatten()
                .is_some_and(|id| id.as_str()[1..] == room_id.as_str()[1..]);
            if names { Ok(()) } else { Err(DropReason::OtherRoom) }
        }
    }
}
