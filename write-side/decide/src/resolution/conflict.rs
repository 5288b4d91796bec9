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
        let conflicted = keys.iter().filter_map(|key| state.get(key)).map(|entry| entry.position);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruma::EventId;

    use super::*;
    use crate::room::{IndexedEvent, StateEntry};

    /// Auth events of each event, all earlier ones.
    type Graph = Vec<Vec<prop::sample::Index>>;

    fn position(number: usize) -> LogPosition {
        LogPosition(u64::try_from(number).unwrap())
    }

    fn entry(number: usize) -> StateEntry {
        StateEntry {
            position: position(number),
            event_id: EventId::parse(format!("$e{number}")).unwrap(),
        }
    }

    fn index_of(graph: &Graph) -> AuthIndex {
        let event = |(number, auth): (usize, &Vec<prop::sample::Index>)| {
            let earlier = auth.iter().filter(|_| number > 0);
            let event = IndexedEvent {
                event_id: entry(number).event_id,
                key: (String::new(), String::new()),
                membership: None,
                auth: earlier.map(|auth| position(auth.index(number))).collect(),
                rejected: false,
            };
            (position(number), event)
        };
        graph.iter().enumerate().map(event).collect()
    }

    /// Every event on the auth paths from `from`, by following each path to its end.
    fn reach(from: LogPosition, index: &AuthIndex) -> BTreeSet<LogPosition> {
        let auth = index.at(from).unwrap().auth.clone();
        auth.iter().flat_map(|auth| reach(*auth, index).into_iter().chain([*auth])).collect()
    }

    fn graphs() -> impl Strategy<Value = Graph> {
        let auth = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
        prop::collection::vec(auth, 2..14)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_subgraph_is_every_event_on_a_path_between_two(
            graph in graphs(),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        ) {
            let index = index_of(&graph);
            let conflicted: BTreeSet<_> =
                picks.iter().map(|pick| position(pick.index(graph.len()))).collect();
            let expected: BTreeSet<_> = (0..graph.len())
                .map(position)
                .filter(|event| {
                    let from = conflicted
                        .iter()
                        .any(|start| start == event || reach(*start, &index).contains(event));
                    let to = conflicted.contains(event)
                        || !reach(*event, &index).is_disjoint(&conflicted);
                    from && to
                })
                .collect();
            prop_assert_eq!(conflicted_subgraph(&conflicted, &index), expected);
        }

        #[test]
        fn the_auth_difference_is_that_of_whole_chains(
            graph in graphs(),
            states in prop::collection::vec(
                prop::collection::vec((0..4_usize, any::<prop::sample::Index>()), 1..4),
                2..4,
            ),
        ) {
            let index = index_of(&graph);
            let states: Vec<RoomState> = states
                .iter()
                .map(|state| {
                    let place = |(key, pick): &(usize, prop::sample::Index)| {
                        ((key.to_string(), String::new()), entry(pick.index(graph.len())))
                    };
                    state.iter().map(place).collect()
                })
                .collect();
            let chains: Vec<BTreeSet<_>> = states
                .iter()
                .map(|state| {
                    state.values().flat_map(|entry| reach(entry.position, &index)).collect()
                })
                .collect();
            let expected: BTreeSet<_> = (0..graph.len())
                .map(position)
                .filter(|event| {
                    let holding = chains.iter().filter(|chain| chain.contains(event)).count();
                    holding > 0 && holding < chains.len()
                })
                .collect();
            let keys = conflicted_keys(&states[0], &states[1..]);
            let mut unconflicted = states[0].clone();
            for key in &keys {
                unconflicted.remove(key);
            }
            prop_assert_eq!(auth_difference(&states, &keys, &unconflicted, &index), expected);
        }
    }
}
