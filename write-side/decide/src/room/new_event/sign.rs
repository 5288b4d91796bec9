//! Hashing, signing and naming an event of ours.
//!
//! Owns [`EventSigner`], and the one redacted form that an event is signed over and gets its id
//! from: from room version 3 on both are defined over the same bytes (server-server API, "Signing
//! Events" and "Calculating the Reference Hash for an Event"), so they are made once.
//! Never holds a key.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId,
    canonical_json::RedactingSerializer,
    room_version_rules::{EventIdFormatVersion, RoomVersionRules},
    signatures::{JsonError, KeyPair, Signature, add_content_hash_to_event},
    state_res::check_pdu_format,
};
use sha2::{Digest, Sha256};

use super::build::CREATED_BYTES_MAX;
use crate::room::{batch::LocalContext, refusal::RoomRefusal};

/// What is never signed.
const NOT_SIGNED: &[&str] = &["signatures", "unsigned"];

/// Signs with the server's key.
pub trait EventSigner: Send + Sync {
    /// The signature of `message`.
    fn sign_bytes(&self, message: &[u8]) -> Signature;
}

impl<K: KeyPair + Send + Sync> EventSigner for K {
    fn sign_bytes(&self, message: &[u8]) -> Signature {
        self.sign(message)
    }
}

/// A signer as ruma wants it.
pub(super) struct As<'a>(pub(super) &'a dyn EventSigner);

impl KeyPair for As<'_> {
    fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign_bytes(message)
    }
}

/// Hashes, signs, names and measures.
pub(super) fn sign(
    mut json: CanonicalJsonObject,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<(CanonicalJsonObject, OwnedEventId), RoomRefusal> {
    add_content_hash_to_event(&mut json).map_err(|error| malformed(&error))?;
    let signed = RedactingSerializer::new()
        .rules(&rules.redaction)
        .custom_redacted_root_fields(NOT_SIGNED)
        .serialize(&json)
        .map_err(|error| malformed(&error.into()))?;
    let signature = context.key.sign_bytes(signed.as_bytes());
    let of_server = CanonicalJsonObject::from_iter([(signature.id(), signature.base64().into())]);
    let signatures = CanonicalJsonObject::from_iter([(
        context.server_name.to_string(),
        CanonicalJsonValue::Object(of_server),
    )]);
    json.insert("signatures".to_owned(), CanonicalJsonValue::Object(signatures));
    check_pdu_format(&json, &rules.event_format).map_err(|why| refused_format(&json, why))?;
    let event_id = name(&json, &signed, rules)
        .ok_or_else(|| RoomRefusal::Malformed("it gets no event id".to_owned()))?;
    Ok((json, event_id))
}

/// Why the check of the format refused it. It measures the event as well; measuring once more is
/// for those alone that are refused.
fn refused_format(json: &CanonicalJsonObject, why: String) -> RoomRefusal {
    let bytes = serde_json::to_vec(json).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > CREATED_BYTES_MAX { RoomRefusal::TooLarge } else { RoomRefusal::Malformed(why) }
}

/// The id: the field of that name in versions 1 and 2, else the hash of what was signed.
fn name(
    json: &CanonicalJsonObject,
    signed: &str,
    rules: &RoomVersionRules,
) -> Option<OwnedEventId> {
    let hash = || Sha256::digest(signed.as_bytes());
    let id = match rules.event_id_format {
        EventIdFormatVersion::V1 => json.get("event_id")?.as_str()?.to_owned(),
        EventIdFormatVersion::V2 => format!("${}", STANDARD_NO_PAD.encode(hash())),
        _ => format!("${}", URL_SAFE_NO_PAD.encode(hash())),
    };
    EventId::parse(id).ok()
}

pub(super) fn malformed(error: &JsonError) -> RoomRefusal {
    match error {
        JsonError::PduTooLarge => RoomRefusal::TooLarge,
        other => RoomRefusal::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use facts::Timestamp;
    use ruma::{
        RoomVersionId, server_name,
        signatures::{Ed25519KeyPair, hash_and_sign_event},
    };
    use serde_json::json;

    use super::*;
    use crate::pdu::event_id_of;

    #[test]
    fn hash_signature_and_id_are_those_of_the_library() {
        let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "k".to_owned()).unwrap();
        let context = LocalContext {
            server_name: server_name!("here.test"),
            key: &key,
            now: Timestamp(1),
            entropy: [0; 32],
            first_index: 0,
            approvals: None,
        };
        for version in ["2", "3", "5", "6", "8", "10", "11", "12"] {
            let rules = RoomVersionId::try_from(version).unwrap().rules().unwrap();
            for (event_type, content) in [
                ("m.room.message", json!({ "body": "äöü \u{7}", "n": [1, { "b": 2, "a": 1 }] })),
                ("m.room.member", json!({ "membership": "join", "displayname": "x" })),
                ("m.room.create", json!({ "creator": "@a:here.test", "room_version": version })),
            ] {
                let mut event = json!({
                    "type": event_type, "content": content, "sender": "@a:here.test",
                    "origin_server_ts": 5, "depth": 2, "room_id": "!r:here.test",
                    "prev_events": [], "auth_events": [], "chancery.salt": "s",
                });
                if rules.event_format.require_event_id {
                    event["event_id"] = "$own:here.test".into();
                }
                let event: CanonicalJsonObject = serde_json::from_value(event).unwrap();
                let mut theirs = event.clone();
                hash_and_sign_event("here.test", &key, &mut theirs, &rules.redaction).unwrap();
                let Ok((ours, id)) = sign(event, &rules, &context) else {
                    // The format of the version refuses some of these.
                    assert!(check_pdu_format(&theirs, &rules.event_format).is_err(), "{version}");
                    continue;
                };
                assert_eq!(ours, theirs, "{version} {event_type}");
                assert_eq!(Some(id), event_id_of(&theirs, &rules).unwrap(), "{version}");
            }
        }
    }
}
