//! Where states differ, found on the index of a room.
//!
//! Definitions are the spec's (room version 2, "State resolution"; room version 12, "conflicted
//! state subgraph"). What all states share is never walked twice.

use std::collections::{BTreeMap, BTreeSet};

use facts::LogPosition;
use imbl::ordmap::DiffItem;

use crate::room::{AuthIndex, RoomState, StateKey};

/// Keys that do not have the same event in every state.
pub(super) fn conflicted_keys(first: &RoomState, others: &[RoomState]) -> BTreeSet<StateKey> {
    others
        .iter()
        .flat_map(|other| first.diff(other))
        .filter_map(|item| match item {
            DiffItem::Add(key, _) | DiffItem::Remove(key, _) => Some(key.clone()),
            DiffItem::Update { old, new } => (old.1 != new.1).then(|| new.0.clone()),
        })
        .collect()
}

/// The conflicted state set.
pub(super) fn conflicted_positions(
    states: &[RoomState],
    keys: &BTreeSet<StateKey>,
) -> BTreeSet<LogPosition> {
    states
        .iter()
        .flat_map(|state| keys.iter().filter_map(|key| state.get(key)))
        .map(|entry| entry.position)
        .collect()
}

/// Every event in the auth chain of one of `from`, without those that start it unless others
/// reach them.
fn auth_chain(
    from: impl IntoIterator<Item = LogPosition>,
    index: &AuthIndex,
) -> BTreeSet<LogPosition> {
    let mut chain = BTreeSet::new();
    let mut open: Vec<LogPosition> = from.into_iter().collect();
    while let Some(position) = open.pop() {
        for auth in index.at(position).iter().flat_map(|event| &event.auth) {
            if chain.insert(*auth) {
                open.push(*auth);
            }
        }
    }
    chain
}

/// The auth difference. What the unconflicted part reaches is in every chain, so only what the
/// conflicted parts reach differently is held against it.
pub(super) fn auth_difference(
    states: &[RoomState],
    keys: &BTreeSet<StateKey>,
    unconflicted: &RoomState,
    index: &AuthIndex,
) -> BTreeSet<LogPosition> {
    let mut counts = BTreeMap::<LogPosition, usize>::new();
    for state in states {
        let conflicted = keys
            .iter()
            .filter_map(|key| state.get(key))
            .map(|entry| entry.position);
        for position in auth_chain(conflicted, index) {
            *counts.entry(position).or_default() += 1;
        }
    }
    let mut difference: BTreeSet<_> = counts
        .into_iter()
        .filter(|(_, count)| *count < states.len())
        .map(|(position, _)| position)
        .collect();
    if !difference.is_empty() {
        let shared = auth_chain(unconflicted.values().map(|entry| entry.position), index);
        difference.retain(|position| !shared.contains(position));
    }
    difference
}

/// Every event on a path of auth events from one conflicted event to another, both included.
pub(super) fn conflicted_subgraph(
    conflicted: &BTreeSet<LogPosition>,
    index: &AuthIndex,
) -> BTreeSet<LogPosition> {
    let mut reached = auth_chain(conflicted.iter().copied(), index);
    reached.extend(conflicted);
    let mut children = BTreeMap::<LogPosition, Vec<LogPosition>>::new();
    for position in &reached {
        for auth in index.at(*position).iter().flat_map(|event| &event.auth) {
            children.entry(*auth).or_default().push(*position);
        }
    }
    let mut subgraph = conflicted.clone();
    let mut open: Vec<LogPosition> = conflicted.iter().copied().collect();
    while let Some(position) = open.pop() {
        for child in children.get(&position).into_iter().flatten() {
            if subgraph.insert(*child) {
                open.push(*child);
            }
        }
    }
    subgraph
}
