//! Ed25519 signatures on keys.
//!
//! Owns reading signed JSON objects and checking one signature (appendices, "Checking for a
//! Signature"). Strict: base64 of keys and signatures must decode, algorithms must be known.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, SigningKeyAlgorithm,
    signatures::{to_canonical_json_string_for_signing, verify_canonical_json_bytes},
};

/// Matrix writes unpadded base64; padding is tolerated.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A JSON object as canonical JSON.
pub(super) fn object(json: &str) -> Option<CanonicalJsonObject> {
    serde_json::from_str(json).ok()
}

/// The one public key of a cross-signing key: its key id and its base64.
pub(super) fn only_key(object: &CanonicalJsonObject) -> Option<(&str, &str)> {
    let CanonicalJsonValue::Object(keys) = object.get("keys")? else {
        return None;
    };
    let mut keys = keys.iter();
    let (Some((id, CanonicalJsonValue::String(key))), None) = (keys.next(), keys.next()) else {
        return None;
    };
    (id.strip_prefix("ed25519:") == Some(key)).then_some((id, key))
}

/// A named public key of a device.
pub(super) fn named_key<'a>(object: &'a CanonicalJsonObject, key_id: &str) -> Option<&'a str> {
    let CanonicalJsonValue::Object(keys) = object.get("keys")? else {
        return None;
    };
    keys.get(key_id)?.as_str()
}

/// The signatures that a user put on an object: key id → signature.
pub(super) fn signatures_of<'a>(
    object: &'a CanonicalJsonObject,
    user_id: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_user = object
        .get("signatures")
        .and_then(CanonicalJsonValue::as_object)
        .and_then(|signatures| signatures.get(user_id))
        .and_then(CanonicalJsonValue::as_object);
    of_user
        .into_iter()
        .flatten()
        .filter_map(|(id, signature)| Some((id.as_str(), signature.as_str()?)))
}

/// Whether `signature` is one of `public_key` on the object.
pub(super) fn holds(object: &CanonicalJsonObject, public_key: &str, signature: &str) -> bool {
    let (Ok(key), Ok(signature)) = (BASE64.decode(public_key), BASE64.decode(signature)) else {
        return false;
    };
    let Ok(bytes) = to_canonical_json_string_for_signing(object) else {
        return false;
    };
    verify_canonical_json_bytes(&SigningKeyAlgorithm::Ed25519, &key, &signature, bytes.as_bytes())
        .is_ok()
}

/// The object without what a signature does not cover, to tell whether two say the same.
pub(super) fn unsigned(mut object: CanonicalJsonObject) -> CanonicalJsonObject {
    object.remove("signatures");
    object.remove("unsigned");
    object
}
