//! What a caller loads before it places a PDU.

use ruma::{EventId, room_version_rules::RoomVersionRules};

use super::verdict;
use crate::{
    pdu::Pdu,
    room::{fold::RoomFold, new_event::Needed},
};

/// The PDUs that placing `pdu` surely reads; more are named by [`PlaceFault::MissingInputs`].
///
/// The target of a redaction is optional: where it exists it must be loaded, and where it does not
/// the redaction waits for it.
pub fn needed_for_placing(fold: &RoomFold, rules: &RoomVersionRules, pdu: &Pdu) -> Vec<Needed> {
    let need = |event_id: &EventId, optional| Needed {
        event_id: event_id.to_owned(),
        position: None,
        optional,
    };
    let required = |event_id: &EventId| need(event_id, false);
    let optional = |event_id: &EventId| need(event_id, true);
    let create = fold.state_entry("m.room.create", "");
    let read = verdict::read_keys(rules, pdu);
    let state = read.iter().filter_map(|key| fold.state().get(key));
    let mut needed: Vec<Needed> = pdu
        .auth_events()
        .iter()
        .map(|id| required(id))
        .chain(state.chain(create).map(|entry| required(&entry.event_id)))
        .chain(verdict::create_named_by(rules, pdu).map(|id| required(&id)))
        .chain(pdu.redacts().map(optional))
        .chain(fold.redactions_of(pdu.event_id()).map(required))
        .collect();
    needed.sort_by(|a, b| (&a.event_id, a.optional).cmp(&(&b.event_id, b.optional)));
    needed.dedup_by(|later, earlier| later.event_id == earlier.event_id);
    needed
}
