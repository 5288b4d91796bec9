//! The checks of a PDU against auth events and states.

use facts::fact::RejectReason;
use ruma::{
    EventId, OwnedEventId,
    events::TimelineEventType,
    room_version_rules::RoomVersionRules,
    state_res::{auth_types_for_event, check_state_dependent_auth_rules},
};

use super::PlaceFault;
use crate::{
    pdu::{KnownPdu, Pdu, PduLookup, Standing},
    room::{
        auth_index::{AuthIndex, IndexedEvent},
        batch::RoomBatch,
        fold::RoomFold,
        new_event::{check_against, check_state_independent},
        state::{RoomState, StateKey, state_key},
    },
};

/// Checks that read the event's own auth events; the reason where it is rejected.
pub(super) fn by_auth_events(
    batch: &RoomBatch<'_>,
    event: &KnownPdu,
) -> Result<Option<RejectReason>, PlaceFault> {
    let auth = auth_events(batch, event)?;
    if auth.iter().any(KnownPdu::is_rejected) {
        return Ok(Some(RejectReason::AuthEventRejected));
    }
    let rules = &batch.rules.authorization;
    if check_state_independent(rules, event, batch).is_err() {
        return Ok(Some(RejectReason::StateIndependent));
    }
    let allowed = check_state_dependent_auth_rules(rules, event, |event_type, key: &str| {
        auth.iter().find(|auth| auth.pdu.is_state(&event_type.to_string(), key)).cloned()
    });
    Ok(allowed.is_err().then_some(RejectReason::AuthEvents))
}

/// The create event that the room id of `pdu` names, in versions where it does.
pub(super) fn create_named_by(rules: &RoomVersionRules, pdu: &Pdu) -> Option<OwnedEventId> {
    let is_create = *pdu.event_type() == TimelineEventType::RoomCreate;
    if is_create || !rules.authorization.room_create_event_id_as_room_id {
        return None;
    }
    EventId::parse(format!("${}", pdu.room_id().strip_sigil())).ok()
}

/// Its auth events, and the create event that its room id names from room version 12 on.
fn auth_events(batch: &RoomBatch<'_>, event: &KnownPdu) -> Result<Vec<KnownPdu>, PlaceFault> {
    let mut ids = event.pdu.auth_events().to_vec();
    ids.extend(create_named_by(&batch.rules, &event.pdu));
    let mut auth = Vec::with_capacity(ids.len());
    let mut missing: Vec<OwnedEventId> = Vec::new();
    for id in ids {
        match batch.by_id(&id) {
            Some(known) if known.standing != Standing::Stored => auth.push(known),
            _ => missing.push(id),
        }
    }
    if missing.is_empty() { Ok(auth) } else { Err(PlaceFault::MissingAuthEvents(missing)) }
}

/// The rule of `state` that forbids the event; `None` where it is allowed.
pub(super) fn by_state(
    batch: &RoomBatch<'_>,
    event: &KnownPdu,
    state: &RoomState,
) -> Result<Option<String>, PlaceFault> {
    let missing: Vec<_> = read_keys(&batch.rules, &event.pdu)
        .iter()
        .filter_map(|key| state.get(key))
        .filter(|entry| batch.by_id(&entry.event_id).is_none())
        .map(|entry| entry.event_id.clone())
        .collect();
    if !missing.is_empty() {
        return Err(PlaceFault::MissingInputs(missing));
    }
    Ok(check_against(&batch.rules.authorization, event, state, batch).err())
}

/// The keys of a state that authorizing the event reads.
pub(super) fn read_keys(rules: &RoomVersionRules, pdu: &Pdu) -> Vec<StateKey> {
    // An event whose keys cannot be told was rejected before.
    auth_types_for_event(
        pdu.event_type(),
        pdu.sender(),
        pdu.state_key(),
        pdu.content(),
        &rules.authorization,
    )
    .unwrap_or_default()
    .into_iter()
    .map(|(event_type, key)| state_key(&event_type, key))
    .chain([state_key("m.room.create", "")])
    .collect()
}

/// The room's index with `event`, which is not placed yet.
pub(super) fn index_with(fold: &RoomFold, event: &KnownPdu) -> AuthIndex {
    let mut index = fold.index().clone();
    if let Some(key) = event.pdu.state_key() {
        let indexed = IndexedEvent {
            event_id: event.pdu.owned_event_id(),
            key: state_key(event.pdu.event_type(), key),
            membership: None,
            auth: event.pdu.auth_events().iter().filter_map(|id| index.position_of(id)).collect(),
            rejected: false,
        };
        index.insert(event.position, indexed);
    }
    index
}

/// One event and what a batch knows.
pub(super) struct With<'a> {
    pub(super) event: &'a KnownPdu,
    pub(super) others: &'a dyn PduLookup,
}

impl PduLookup for With<'_> {
    fn by_id(&self, event_id: &EventId) -> Option<KnownPdu> {
        if self.event.pdu.event_id() == event_id {
            return Some(self.event.clone());
        }
        self.others.by_id(event_id)
    }
}
