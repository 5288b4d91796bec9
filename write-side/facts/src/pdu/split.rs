//! Parting a PDU into redacted form, residue and rest.
//!
//! Owns a short way for what most events are: nothing of their content survives a redaction, and
//! nothing is read for ever. It gives what the long way gives. Never fails for an object that redaction accepts: where the parts would not merge to the
//! accepted bytes, the rest holds the whole PDU.

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue,
    canonical_json::{CanonicalJsonFieldError, RedactingSerializer, redact},
    room_version_rules::RedactionRules,
};

use super::{
    merge::join_parts,
    residue::{leaves_residue, residue_of},
};

/// What the rest of a message mostly fits into.
const REST_BYTES_GUESS: usize = 768;

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
    let redacted = RedactingSerializer::new().rules(rules).serialize(pdu).ok()?.into_bytes();
    let mut parting = Parting { kept: redacted.strip_prefix(b"{")?, rest: Vec::new() };
    parting.rest.reserve(REST_BYTES_GUESS);
    parting.rest.push(b'{');
    for (key, value) in pdu {
        parting.field(key, value)?;
    }
    let rest = parting.finish()?;
    Some(SplitPdu { redacted, residue: None, rest, whole: false })
}

/// The fields of a PDU on their way into two parts, each written once, in order.
///
/// A field that the redacted form has byte for byte is kept there; its content must be empty there;
/// every other one is rest. So the parts share no key but `content`, and merge to the PDU's fields.
struct Parting<'a> {
    /// What no field has been found for yet in the redacted form.
    kept: &'a [u8],
    rest: Vec<u8>,
}

impl Parting<'_> {
    fn field(&mut self, key: &str, value: &CanonicalJsonValue) -> Option<()> {
        let start = self.rest.len();
        serde_json::to_writer(&mut self.rest, key).ok()?;
        self.rest.push(b':');
        let at_value = self.rest.len();
        serde_json::to_writer(&mut self.rest, value).ok()?;
        let (name, value) = (&self.rest[start..at_value], &self.rest[at_value..]);
        let Some(kept) = self.kept.strip_prefix(name) else {
            self.rest.push(b',');
            return Some(());
        };
        let is_content = key == "content";
        if is_content && !value.starts_with(b"{") {
            return None;
        }
        let kept = kept.strip_prefix(if is_content { b"{}".as_slice() } else { value })?;
        // Another field follows, or this was the last one.
        self.kept = if kept == b"}" { kept } else { kept.strip_prefix(b",")? };
        if is_content && value != b"{}" {
            self.rest.push(b',');
        } else {
            self.rest.truncate(start);
        }
        Some(())
    }

    /// The rest; `None` where the redacted form has a field that the PDU has not.
    fn finish(mut self) -> Option<Vec<u8>> {
        if self.kept != b"}" {
            return None;
        }
        if self.rest.last() == Some(&b',') {
            self.rest.pop();
        }
        self.rest.push(b'}');
        Some(self.rest)
    }
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
