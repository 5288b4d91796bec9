//! Parting a PDU into redacted form, residue and rest.
//!
//! Owns a short way for what most events are: nothing of their content survives a redaction, and
//! nothing is read for ever. It gives what the long way gives. Never fails for an object that redaction accepts: where the parts would not merge to the
//! accepted bytes, the rest holds the whole PDU.

use std::collections::BTreeMap;

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue,
    canonical_json::{CanonicalJsonFieldError, RedactingSerializer, redact},
    room_version_rules::RedactionRules,
};
use serde_json::value::RawValue;

use super::{
    merge::join_parts,
    residue::{leaves_residue, residue_of},
};

/// A PDU in parts; all canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitPdu {
    /// The redacted form by the room's version.
    pub redacted: Vec<u8>,
    /// What redaction strips but the server reads for ever.
    pub residue: Option<Vec<u8>>,
    /// The other keys; the whole PDU if `whole`.
    pub rest: Vec<u8>,
    /// True where the parts would not merge to the PDU's bytes.
    pub whole: bool,
}

/// Parts `pdu` (without `unsigned`) by the redaction rules of its room.
pub fn split(
    pdu: &CanonicalJsonObject,
    rules: &RedactionRules,
) -> Result<SplitPdu, CanonicalJsonFieldError> {
    if let Some(parts) = split_plain(pdu, rules) {
        return Ok(parts);
    }
    let redacted = redact(pdu.clone(), rules, None)?;
    let mut rest = subtract(pdu, &redacted);
    let residue = residue_of(pdu, &rest);
    if let Some(residue) = &residue {
        rest = subtract(&rest, residue);
    }
    let (redacted_bytes, residue_bytes) = (encode(&redacted), residue.as_ref().map(encode));
    let rest_bytes = encode(&rest);
    // Equal objects have equal canonical bytes.
    let whole = join_parts(redacted, residue, rest) != *pdu;
    let rest = if whole { encode(pdu) } else { rest_bytes };
    Ok(SplitPdu { redacted: redacted_bytes, residue: residue_bytes, rest, whole })
}

/// The short way; `None` where it does not go, or where its parts would not merge to the PDU.
fn split_plain(pdu: &CanonicalJsonObject, rules: &RedactionRules) -> Option<SplitPdu> {
    let event_type = pdu.get("type")?.as_str()?;
    if leaves_residue(event_type) || pdu.contains_key("redacts") {
        return None;
    }
    let redacted = RedactingSerializer::new().rules(rules).serialize(pdu).ok()?;
    let kept: BTreeMap<&str, &RawValue> = serde_json::from_str(&redacted).ok()?;
    if kept.get("content")?.get() != "{}" {
        return None;
    }
    let is_rest = |key: &str, value: &CanonicalJsonValue| match value {
        CanonicalJsonValue::Object(content) if key == "content" => !content.is_empty(),
        _ => !kept.contains_key(key),
    };
    let rest: BTreeMap<&str, &CanonicalJsonValue> =
        pdu.iter().map(|(k, v)| (k.as_str(), v)).filter(|(k, v)| is_rest(k, v)).collect();
    let rest = serde_json::to_vec(&rest).ok()?;
    if joined(&kept, &rest)? != encode(pdu) {
        return None;
    }
    Some(SplitPdu { redacted: redacted.into_bytes(), residue: None, rest, whole: false })
}

/// Canonical JSON of what the parts merge to, where they share no key but `content`, of which the
/// redacted form has nothing.
fn joined(kept: &BTreeMap<&str, &RawValue>, rest: &[u8]) -> Option<Vec<u8>> {
    let rest: BTreeMap<&str, &RawValue> = serde_json::from_slice(rest).ok()?;
    let mut whole = kept.clone();
    whole.extend(rest);
    serde_json::to_vec(&whole).ok()
}

fn encode(object: &CanonicalJsonObject) -> Vec<u8> {
    serde_json::to_vec(object).expect("canonical JSON always encodes")
}

/// The keys of `whole` that `part` does not have, recursively through objects.
fn subtract(whole: &CanonicalJsonObject, part: &CanonicalJsonObject) -> CanonicalJsonObject {
    let mut rest = CanonicalJsonObject::new();
    for (key, value) in whole {
        match (value, part.get(key)) {
            (_, None) => {
                rest.insert(key.clone(), value.clone());
            }
            (CanonicalJsonValue::Object(whole), Some(CanonicalJsonValue::Object(part))) => {
                let inner = subtract(whole, part);
                if !inner.is_empty() {
                    rest.insert(key.clone(), CanonicalJsonValue::Object(inner));
                }
            }
            (_, Some(_)) => {}
        }
    }
    rest
}
