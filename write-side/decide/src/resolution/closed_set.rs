//! The PDUs that resolution may fetch.
//!
//! Owns the closure: the full conflicted set, what authorizes it, and every power-level mainline
//! from there with its auth events. It is found on the index; each PDU of it must be loaded.

use std::collections::{BTreeSet, HashMap};

use facts::LogPosition;
use ruma::{OwnedEventId, room_version_rules::RoomVersionRules, state_res::auth_types_for_event};

use super::ResolutionFault;
use crate::{
    pdu::{KnownPdu, PduLookup},
    room::{AuthIndex, RoomState, StateKey, state_key},
};

/// Every PDU that resolution may fetch but those that only authorization reads.
pub(super) fn closed_set(
    full: &BTreeSet<LogPosition>,
    unconflicted: &RoomState,
    index: &AuthIndex,
    lookup: &dyn PduLookup,
) -> Result<HashMap<OwnedEventId, KnownPdu>, ResolutionFault> {
    let mut loaded = HashMap::new();
    let mut missing = Vec::new();
    for position in closure(full, unconflicted, index) {
        let Some(event) = index.at(position) else {
            continue;
        };
        match lookup.by_id(&event.event_id) {
            Some(known) => {
                loaded.insert(event.event_id.clone(), known);
            }
            None => missing.push(event.event_id.clone()),
        }
    }
    if missing.is_empty() { Ok(loaded) } else { Err(ResolutionFault::Missing(missing)) }
}

fn closure(
    full: &BTreeSet<LogPosition>,
    unconflicted: &RoomState,
    index: &AuthIndex,
) -> BTreeSet<LogPosition> {
    let is_levels = |position: LogPosition| {
        index.at(position).is_some_and(|event| event.key.0 == "m.room.power_levels")
    };
    // The mainline may start at the unconflicted power levels; the create event is always read.
    let always = ["m.room.power_levels", "m.room.create"]
        .iter()
        .filter_map(|event_type| unconflicted.get(&state_key(event_type, "")))
        .map(|entry| entry.position);
    let mut closure = full.clone();
    closure.extend(always);
    let mut open: Vec<LogPosition> = closure.iter().copied().collect();
    while let Some(position) = open.pop() {
        for auth in index.at(position).iter().flat_map(|event| &event.auth) {
            // Beyond the first step only power levels lead on.
            if closure.insert(*auth) && is_levels(*auth) {
                open.push(*auth);
            }
        }
    }
    closure
}

/// The keys that authorizing an event of the full conflicted set may read.
pub(super) fn read_keys(
    full: &BTreeSet<LogPosition>,
    index: &AuthIndex,
    loaded: &HashMap<OwnedEventId, KnownPdu>,
    rules: &RoomVersionRules,
) -> BTreeSet<StateKey> {
    let mut keys =
        BTreeSet::from([state_key("m.room.create", ""), state_key("m.room.power_levels", "")]);
    let events = full.iter().filter_map(|position| loaded.get(&index.at(*position)?.event_id));
    for event in events {
        // An event whose keys cannot be told is never authorized.
        let read = auth_types_for_event(
            event.pdu.event_type(),
            event.pdu.sender(),
            event.pdu.state_key(),
            event.pdu.content(),
            &rules.authorization,
        )
        .unwrap_or_default();
        keys.extend(read.into_iter().map(|(event_type, key)| state_key(&event_type, key)));
    }
    keys
}
