//! Building a PDU of ours.
//!
//! Owns the form of our events. A salt goes into every one of them (LOG section 4), so that the
//! content hash which survives a redaction confirms no text.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use facts::pdu::SALT_KEY;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, Int, OwnedEventId, RoomId, events::TimelineEventType,
    room_version_rules::RoomVersionRules,
};

use super::{
    NewEvent, auth_keys, prev, redaction_target,
    sign::{malformed, sign},
};
use crate::{
    pdu::{Pdu, reference},
    room::{
        batch::{LocalContext, RoomBatch},
        refusal::RoomRefusal,
    },
};

/// Events that we create are at most this large, in canonical JSON with signatures.
pub(crate) const CREATED_BYTES_MAX: usize = 65_535;

pub(super) fn build(
    batch: &RoomBatch<'_>,
    event: &NewEvent,
    context: &LocalContext<'_>,
) -> Result<Pdu, RoomRefusal> {
    let json = unsigned(batch, event, context)?;
    finish(json, batch.fold.room_id(), &batch.rules, context)
}

/// The event before it is hashed and signed.
pub(super) fn unsigned(
    batch: &RoomBatch<'_>,
    event: &NewEvent,
    context: &LocalContext<'_>,
) -> Result<CanonicalJsonObject, RoomRefusal> {
    let rules = &batch.rules;
    let index = batch.next_index();
    let mut json = frame(event, context, rules, index);
    let first_of_v12 = event.event_type == TimelineEventType::RoomCreate
        && !rules.event_format.require_room_create_room_id;
    if !first_of_v12 {
        json.insert("room_id".to_owned(), batch.fold.room_id().as_str().into());
    }
    let prev = prev::choose_prev(&batch.fold, context.derive("prev", index));
    let prev_ids: Vec<_> = prev.iter().map(|tip| tip.event_id.clone()).collect();
    json.insert("prev_events".to_owned(), references(batch, &prev_ids)?);
    let auth_ids: Vec<_> = auth_keys(event, rules)
        .iter()
        .filter_map(|key| batch.fold.state().get(key))
        .map(|entry| entry.event_id.clone())
        .collect();
    json.insert("auth_events".to_owned(), references(batch, &auth_ids)?);
    let depth = Int::try_from(batch.fold.next_depth()).unwrap_or(Int::MAX);
    json.insert("depth".to_owned(), CanonicalJsonValue::Integer(depth));
    Ok(json)
}

/// What needs no fold.
pub(crate) fn frame(
    event: &NewEvent,
    context: &LocalContext<'_>,
    rules: &RoomVersionRules,
    index: u32,
) -> CanonicalJsonObject {
    let mut json = CanonicalJsonObject::new();
    let mut shown = event.content.clone();
    if let Some(target) = redaction_target(event) {
        let target: CanonicalJsonValue = target.as_str().into();
        shown.remove("redacts");
        if rules.redaction.content_field_redacts {
            shown.insert("redacts".to_owned(), target);
        } else {
            json.insert("redacts".to_owned(), target);
        }
    }
    let at = event.origin_server_ts.unwrap_or(context.now);
    let at = Int::try_from(at.0).unwrap_or(Int::MAX);
    json.insert("origin_server_ts".to_owned(), CanonicalJsonValue::Integer(at));
    json.insert("type".to_owned(), event.event_type.to_string().into());
    json.insert("sender".to_owned(), event.sender.as_str().into());
    json.insert("content".to_owned(), CanonicalJsonValue::Object(shown));
    if let Some(state_key) = &event.state_key {
        json.insert("state_key".to_owned(), state_key.as_str().into());
    }
    make_ours(&mut json, context, rules, index);
    json
}

/// The salt, and the event id where it is chosen and not computed.
pub(super) fn make_ours(
    json: &mut CanonicalJsonObject,
    context: &LocalContext<'_>,
    rules: &RoomVersionRules,
    index: u32,
) {
    let salt = STANDARD_NO_PAD.encode(context.salt(index));
    json.insert(SALT_KEY.to_owned(), salt.into());
    if rules.event_format.require_event_id {
        let local = URL_SAFE_NO_PAD.encode(&context.derive("event id", index)[..18]);
        let event_id = format!("${local}:{}", context.server_name);
        json.insert("event_id".to_owned(), event_id.into());
    }
}

fn references(
    batch: &RoomBatch<'_>,
    ids: &[OwnedEventId],
) -> Result<CanonicalJsonValue, RoomRefusal> {
    let hashes = batch.rules.event_format.require_event_id;
    ids.iter()
        .map(|id| {
            if !hashes {
                return Ok(CanonicalJsonValue::String(id.to_string()));
            }
            let known = batch.required(id)?;
            reference(id, known.pdu.json(), &batch.rules).map_err(|error| malformed(&error))
        })
        .collect::<Result<Vec<_>, _>>()
        .map(CanonicalJsonValue::Array)
}

/// Hashes and signs `json`, and reads it as a PDU.
pub(super) fn finish(
    json: CanonicalJsonObject,
    room_id: &RoomId,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<Pdu, RoomRefusal> {
    let (json, event_id) = sign(json, rules, context)?;
    Pdu::from_json(event_id, room_id, json)
        .map_err(|error| RoomRefusal::Malformed(error.to_string()))
}

/// The id that a create event will get as the first event of its batch, from room version 12 on:
/// it names its room, so it is known before the fold is.
pub(crate) fn create_event_id(
    event: &NewEvent,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<OwnedEventId, RoomRefusal> {
    let mut json = frame(event, context, rules, context.first_index);
    for list in ["prev_events", "auth_events"] {
        json.insert(list.to_owned(), CanonicalJsonValue::Array(Vec::new()));
    }
    json.insert("depth".to_owned(), CanonicalJsonValue::Integer(Int::from(1_u8)));
    sign(json, rules, context).map(|(_, event_id)| event_id)
}
