//! Events that one server prepares and another signs (`make_join`, `make_leave`, `make_knock`).
//!
//! Owns both sides: preparing one for a user of another server, and signing what another server
//! prepared for a user of ours; and adding our signature to an event of another server (an invite
//! of our user, a restricted join that a user of ours authorizes).

use std::sync::Arc;

use facts::pdu::SALT_KEY;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, Int, RoomId,
    room_version_rules::RoomVersionRules, signatures::sign_event,
};

use super::{
    NewEvent,
    build::{finish, make_ours, unsigned},
    check::check_new,
    sign::As,
};
use crate::{
    pdu::{KnownPdu, Pdu, PduLookup, Standing},
    room::{
        batch::{LocalContext, RoomBatch},
        fold::RoomFold,
        provisional::provisional,
        refusal::RoomRefusal,
    },
};

/// An event for a user of another server, checked and not signed.
///
/// `lookup` must hold what [`super::needed_for`] names.
pub fn event_template(
    fold: &RoomFold,
    event: &NewEvent,
    context: &LocalContext<'_>,
    lookup: &dyn PduLookup,
) -> Result<CanonicalJsonObject, RoomRefusal> {
    let rules = fold.rules().ok_or(RoomRefusal::UnknownRoom)?;
    let batch = RoomBatch::new(fold, rules, lookup, context.first_index);
    let mut json = unsigned(&batch, event, context)?;
    json.remove(SALT_KEY);
    json.remove("event_id");
    // It gets its id from the server that signs it; the checks do not read it.
    let id = EventId::parse("$template:invalid").expect("this literal is an event id");
    let pdu = Pdu::from_json(id, fold.room_id(), json.clone())
        .map_err(|error| RoomRefusal::Malformed(error.to_string()))?;
    let candidate = KnownPdu {
        position: provisional(batch.next_index()),
        pdu: Arc::new(pdu),
        standing: Standing::Stored,
    };
    check_new(&batch, &candidate)?;
    Ok(json)
}

/// Signs an event that another server prepared, as an event of ours.
///
/// The caller has checked that it says what was asked for: type, sender, state key, membership.
pub fn sign_template(
    mut template: CanonicalJsonObject,
    room_id: &RoomId,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<Pdu, RoomRefusal> {
    for key in ["unsigned", "signatures", "hashes", "event_id", SALT_KEY] {
        template.remove(key);
    }
    let now = Int::try_from(context.now.0).unwrap_or(Int::MAX);
    template.insert("origin_server_ts".to_owned(), CanonicalJsonValue::Integer(now));
    make_ours(&mut template, context, rules, context.first_index);
    finish(template, room_id, rules, context)
}

/// `pdu` with our signature beside the others. Its id and content hash stay as they are.
pub fn add_signature(
    pdu: &Pdu,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<Pdu, RoomRefusal> {
    let mut json = pdu.json().clone();
    sign_event(context.server_name.as_str(), &As(context.key), &mut json, &rules.redaction)
        .map_err(|error| RoomRefusal::Malformed(error.to_string()))?;
    Pdu::from_json(pdu.owned_event_id(), pdu.room_id(), json)
        .map_err(|error| RoomRefusal::Malformed(error.to_string()))
}
