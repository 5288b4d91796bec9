//! State resolution around ruma's algorithm.
//!
//! Owns what ruma leaves to its caller: the conflicted keys, the auth difference and the
//! conflicted subgraph, found on the room's own index, and the closed set of PDUs that the
//! algorithm may fetch. Ruma gets state maps cut to the conflicting keys and those that
//! authorization reads; a property test holds the cut inputs against the full ones.
//! `resolve` drops silently what it cannot fetch, so one PDU missing from the closed set is a fault
//! here. Invariants: I2, I8.

mod closed_set;
mod conflict;

use std::collections::{BTreeSet, HashMap};

use facts::LogPosition;
use ruma::{
    EventId, OwnedEventId,
    room_version_rules::RoomVersionRules,
    state_res::{StateMap, resolve, utils::event_id_set::EventIdSet},
};

use self::{
    closed_set::{closed_set, read_keys},
    conflict::{auth_difference, conflicted_keys, conflicted_positions, conflicted_subgraph},
};
use crate::{
    pdu::{KnownPdu, PduLookup},
    room::{AuthIndex, RoomState, StateKey},
};

/// Why states could not be resolved. Nothing was decided; the placement stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionFault {
    /// PDUs that resolution reads were not loaded: load them and try again.
    #[error("{} events that state resolution reads were not loaded", .0.len())]
    Missing(Vec<OwnedEventId>),
    /// The room's version has no resolution that we know.
    #[error("the room's version has an unknown state resolution")]
    UnknownVersion,
    /// The algorithm failed.
    #[error("state resolution failed: {0}")]
    Failed(String),
}

/// The states resolved to one, by the room version's rules.
pub fn resolve_states(
    states: &[RoomState],
    index: &AuthIndex,
    rules: &RoomVersionRules,
    lookup: &dyn PduLookup,
) -> Result<RoomState, ResolutionFault> {
    let Some((first, others)) = states.split_first() else {
        return Ok(RoomState::new());
    };
    let keys = conflicted_keys(first, others);
    if keys.is_empty() {
        return Ok(first.clone());
    }
    let state_rules = rules.state_res.v2_rules().ok_or(ResolutionFault::UnknownVersion)?;
    let mut unconflicted = first.clone();
    for key in &keys {
        unconflicted.remove(key);
    }
    let conflicted = conflicted_positions(states, &keys);
    let difference = auth_difference(states, &keys, &unconflicted, index);
    let subgraph = if state_rules.consider_conflicted_state_subgraph {
        conflicted_subgraph(&conflicted, index)
    } else {
        BTreeSet::new()
    };
    let full: BTreeSet<LogPosition> =
        conflicted.iter().chain(&difference).chain(&subgraph).copied().collect();
    let mut loaded = closed_set(&full, &unconflicted, index, lookup)?;
    let read = read_keys(&full, index, &loaded, rules);
    add_read(&read, &unconflicted, lookup, &mut loaded)?;
    let maps: Vec<_> = states.iter().map(|state| cut(state, keys.iter().chain(&read))).collect();
    let subgraph = ids(&subgraph, index);
    let resolved = resolve(
        &rules.authorization,
        state_rules,
        &maps,
        // Counted in one of two chains, so that the difference of the two is exactly this set.
        vec![ids(&difference, index), EventIdSet::new()],
        |id: &EventId| loaded.get(id).cloned(),
        |_| Some(subgraph.clone()),
    )
    .map_err(|error| ResolutionFault::Failed(error.to_string()))?;
    Ok(joined(unconflicted, resolved, index))
}

/// What authorization reads of the unconflicted state must be loaded too.
fn add_read(
    read: &BTreeSet<StateKey>,
    unconflicted: &RoomState,
    lookup: &dyn PduLookup,
    loaded: &mut HashMap<OwnedEventId, KnownPdu>,
) -> Result<(), ResolutionFault> {
    let mut missing = Vec::new();
    for entry in read.iter().filter_map(|key| unconflicted.get(key)) {
        match lookup.by_id(&entry.event_id) {
            Some(known) => {
                loaded.insert(entry.event_id.clone(), known);
            }
            None => missing.push(entry.event_id.clone()),
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(ResolutionFault::Missing(missing)) }
}

fn cut<'a>(state: &RoomState, keys: impl Iterator<Item = &'a StateKey>) -> StateMap<OwnedEventId> {
    keys.filter_map(|key| {
        let entry = state.get(key)?;
        let key = (key.0.as_str().into(), key.1.clone());
        Some((key, entry.event_id.clone()))
    })
    .collect()
}

fn ids(positions: &BTreeSet<LogPosition>, index: &AuthIndex) -> EventIdSet<OwnedEventId> {
    positions.iter().filter_map(|position| Some(index.at(*position)?.event_id.clone())).collect()
}

/// Unconflicted entries win over resolved ones of the same key, as in the last step of the
/// algorithm; here they are all of them and not only those of the cut maps.
fn joined(
    unconflicted: RoomState,
    resolved: StateMap<OwnedEventId>,
    index: &AuthIndex,
) -> RoomState {
    let mut state = unconflicted;
    for ((event_type, key), event_id) in resolved {
        let key = (event_type.to_string(), key);
        if state.contains_key(&key) {
            continue;
        }
        let entry = index.position_of(&event_id).and_then(|position| index.state_entry(position));
        if let Some(entry) = entry {
            state.insert(key, entry);
        }
    }
    state
}
