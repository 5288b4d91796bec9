//! Joining the parts of a PDU again.
//!
//! Works on bytes that this or an older version wrote. Never runs redaction.

use ruma::{CanonicalJsonObject, CanonicalJsonValue};

/// The stored parts are not JSON objects: damage that the seal should have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored part of a PDU is not a JSON object")]
pub struct MergeError;

/// Canonical JSON of the PDU that was parted.
pub fn merge(redacted: &[u8], residue: Option<&[u8]>, rest: &[u8]) -> Result<Vec<u8>, MergeError> {
    let residue = residue.map(parse).transpose()?;
    let whole = join_parts(parse(redacted)?, residue, parse(rest)?);
    serde_json::to_vec(&whole).map_err(|_| MergeError)
}

/// The object that was parted.
pub(super) fn join_parts(
    redacted: CanonicalJsonObject,
    residue: Option<CanonicalJsonObject>,
    rest: CanonicalJsonObject,
) -> CanonicalJsonObject {
    let mut whole = redacted;
    if let Some(residue) = residue {
        join(&mut whole, residue);
    }
    join(&mut whole, rest);
    whole
}

fn parse(bytes: &[u8]) -> Result<CanonicalJsonObject, MergeError> {
    serde_json::from_slice(bytes).map_err(|_| MergeError)
}

fn join(into: &mut CanonicalJsonObject, from: CanonicalJsonObject) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(CanonicalJsonValue::Object(into)), CanonicalJsonValue::Object(from)) => {
                join(into, from);
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
