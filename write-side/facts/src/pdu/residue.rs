//! What redaction strips but authorization, resolution, replay or a room's safety read.
//!
//! Owns the list of such keys (LOG section 4). The list decides what is *stored* apart, once; a
//! later version may add keys for new events, and old ones keep what they have.

use ruma::{CanonicalJsonObject, CanonicalJsonValue};

/// False for types of events whose content leaves nothing.
pub(super) fn leaves_residue(event_type: &str) -> bool {
    matches!(
        event_type,
        "m.room.create"
            | "m.room.server_acl"
            | "m.room.encryption"
            | "m.room.power_levels"
            | "m.room.third_party_invite"
            | "m.room.join_rules"
            | "m.room.redaction"
            | "m.room.member"
    )
}

/// The residue of `pdu`, taken from `rest` (what its redacted form does not have).
pub(super) fn residue_of(
    pdu: &CanonicalJsonObject,
    rest: &CanonicalJsonObject,
) -> Option<CanonicalJsonObject> {
    let event_type = pdu.get("type").and_then(CanonicalJsonValue::as_str)?;
    let mut residue = CanonicalJsonObject::new();
    if let Some(redacts) = rest.get("redacts") {
        residue.insert("redacts".to_owned(), redacts.clone());
    }
    if let Some(content) = rest.get("content").and_then(CanonicalJsonValue::as_object) {
        let kept = content_residue(event_type, content);
        if !kept.is_empty() {
            residue.insert("content".to_owned(), CanonicalJsonValue::Object(kept));
        }
    }
    (!residue.is_empty()).then_some(residue)
}

fn content_residue(event_type: &str, content: &CanonicalJsonObject) -> CanonicalJsonObject {
    match event_type {
        "m.room.create" | "m.room.server_acl" | "m.room.encryption" => content.clone(),
        "m.room.power_levels" => pick(content, &["invite", "notifications"]),
        "m.room.third_party_invite" => {
            pick(content, &["key_validity_url", "public_key", "public_keys"])
        }
        "m.room.join_rules" => pick(content, &["allow"]),
        "m.room.redaction" => pick(content, &["redacts"]),
        "m.room.member" => {
            let mut kept = pick(content, &["join_authorised_via_users_server"]);
            let signed = content
                .get("third_party_invite")
                .and_then(CanonicalJsonValue::as_object)
                .map(|invite| pick(invite, &["signed"]))
                .filter(|invite| !invite.is_empty());
            if let Some(signed) = signed {
                kept.insert("third_party_invite".to_owned(), CanonicalJsonValue::Object(signed));
            }
            kept
        }
        _ => CanonicalJsonObject::new(),
    }
}

fn pick(from: &CanonicalJsonObject, keys: &[&str]) -> CanonicalJsonObject {
    keys.iter()
        .filter_map(|key| from.get(*key).map(|value| ((*key).to_owned(), value.clone())))
        .collect()
}
