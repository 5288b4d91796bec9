//! Event ids and references, by the room version's format.
//!
//! Owns how a signed PDU gets its id and how another PDU names it.

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId,
    room_version_rules::{EventIdFormatVersion, EventsReferenceFormatVersion, RoomVersionRules},
    signatures::{JsonError, reference_hash},
};

/// The id of `json`: the field of that name in versions 1 and 2, else from the reference hash.
/// `Ok(None)` where the field is missing or no id.
pub(crate) fn event_id_of(
    json: &CanonicalJsonObject,
    rules: &RoomVersionRules,
) -> Result<Option<OwnedEventId>, JsonError> {
    if rules.event_id_format == EventIdFormatVersion::V1 {
        return Ok(json
            .get("event_id")
            .and_then(CanonicalJsonValue::as_str)
            .and_then(|id| EventId::parse(id).ok()));
    }
    let hash = reference_hash(json, rules)?;
    Ok(EventId::parse(format!("${hash}")).ok())
}

/// How another PDU names this one in its `prev_events` and `auth_events`.
pub(crate) fn reference(
    event_id: &EventId,
    json: &CanonicalJsonObject,
    rules: &RoomVersionRules,
) -> Result<CanonicalJsonValue, JsonError> {
    let id = CanonicalJsonValue::String(event_id.to_string());
    if rules.events_reference_format == EventsReferenceFormatVersion::V2 {
        return Ok(id);
    }
    let hash = CanonicalJsonValue::String(reference_hash(json, rules)?);
    let hashes = CanonicalJsonObject::from_iter([("sha256".to_owned(), hash)]);
    Ok(CanonicalJsonValue::Array(vec![id, CanonicalJsonValue::Object(hashes)]))
}
