//! Parting a PDU into redacted form, residue and rest.
//!
//! Never fails for an object that redaction accepts: where the parts would not merge to the
//! accepted bytes, the rest holds the whole PDU.

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue,
    canonical_json::{CanonicalJsonFieldError, redact},
    room_version_rules::RedactionRules,
};

use super::{merge::join_parts, residue::residue_of};

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
