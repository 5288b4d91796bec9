//! Cut inputs resolve as the full ones do, in graphs of random shape.

use std::collections::{BTreeMap, BTreeSet};

use decide::{
    pdu::PduLookup,
    resolution::{ResolutionFault, resolve_states},
    room::{CreateRoom, PlaceAs, Preset, RoomState},
};
use proptest::prelude::*;
use ruma::{
    EventId, OwnedEventId, OwnedUserId, RoomVersionId,
    state_res::{StateMap, resolve, utils::event_id_set::EventIdSet},
};
use serde_json::json;

use crate::{
    peer::{Foreign, place, stranger},
    world::{World, user},
};

/// One event of a random graph: what it follows, who sends it, what it does, when.
type Step = (prop::sample::Index, prop::sample::Index, usize, usize, u64);

fn people() -> Vec<OwnedUserId> {
    vec![user("alice"), stranger("bob"), stranger("carol"), user("dan")]
}

fn action(
    world: &World,
    state: &RoomState,
    sender: &OwnedUserId,
    target: &OwnedUserId,
    what: usize,
) -> (&'static str, String, serde_json::Value) {
    let member = |who: &OwnedUserId, membership: &str| {
        ("m.room.member", who.to_string(), json!({ "membership": membership }))
    };
    match what {
        0 | 1 => member(sender, "join"),
        2 => member(target, "invite"),
        3 => member(target, "ban"),
        4 => member(target, "leave"),
        5 => ("m.room.topic", String::new(), json!({ "topic": sender })),
        6 => (
            "m.room.join_rules",
            String::new(),
            json!({ "join_rule": if target < sender { "invite" } else { "public" } }),
        ),
        _ => {
            let entry = &state[&decide::room::state_key("m.room.power_levels", "")];
            let levels = world.pdu(&entry.event_id);
            let mut levels = serde_json::to_value(levels.content_object().unwrap()).unwrap();
            let level = if what == 7 { 50 } else { 0 };
            if target != sender && target.as_str() != "@alice:here.test" {
                levels["users"][target.as_str()] = level.into();
            }
            ("m.room.power_levels", String::new(), levels)
        }
    }
}

/// The room, and the events after which a state is known.
fn grow(version: &str, steps: &[Step]) -> (World, Vec<OwnedEventId>) {
    let mut wish = CreateRoom::new(user("alice"), RoomVersionId::try_from(version).unwrap());
    wish.preset = Some(Preset::PublicChat);
    let mut world = World::create(&wish);
    let mut events = vec![world.fold.tips()[0].event_id.clone()];
    let people = people();
    for (prev, other, who, what, ts) in steps {
        let prev = prev.get(&events).clone();
        let Some(state) = world.fold.state_after(&prev).cloned() else {
            continue;
        };
        let sender = &people[who % people.len()];
        let target = other.get(&people);
        let (event_type, key, content) = action(&world, &state, sender, target, *what);
        let mut event =
            Foreign::after(&world, &state, &[&prev], sender, event_type, Some(&key), content)
                .at(1_700_000_000_000 + ts);
        let other = other.get(&events).clone();
        if other != prev && what % 3 == 0 {
            event.prev.push(other);
        }
        let Ok((id, verdict)) = place(&mut world, &event, &PlaceAs::live()) else {
            continue;
        };
        if !matches!(verdict, facts::fact::Verdict::Reject(_)) {
            events.push(id);
        }
    }
    (world, events)
}

fn chain(world: &World, from: impl IntoIterator<Item = OwnedEventId>) -> BTreeSet<OwnedEventId> {
    let mut chain = BTreeSet::new();
    let mut open: Vec<OwnedEventId> = from.into_iter().collect();
    while let Some(id) = open.pop() {
        for auth in world.pdu(&id).auth_events() {
            if chain.insert(auth.clone()) {
                open.push(auth.clone());
            }
        }
    }
    chain
}

/// What ruma makes of whole states and whole auth chains.
fn resolve_fully(world: &World, states: &[RoomState]) -> BTreeMap<(String, String), OwnedEventId> {
    let rules = world.fold.rules().unwrap();
    let maps: Vec<StateMap<OwnedEventId>> = states
        .iter()
        .map(|state| {
            state
                .iter()
                .map(|(key, entry)| {
                    ((key.0.as_str().into(), key.1.clone()), entry.event_id.clone())
                })
                .collect()
        })
        .collect();
    let chains: Vec<EventIdSet<OwnedEventId>> =
        maps.iter().map(|map| chain(world, map.values().cloned()).into_iter().collect()).collect();
    resolve(
        &rules.authorization,
        rules.state_res.v2_rules().unwrap(),
        &maps,
        chains,
        |id: &EventId| world.known.by_id(id),
        |conflicted| {
            let conflicted: BTreeSet<_> = conflicted.values().flatten().cloned().collect();
            let mut reached = chain(world, conflicted.iter().cloned());
            reached.extend(conflicted.iter().cloned());
            reached.retain(|id| {
                conflicted.contains(id) || !chain(world, [id.clone()]).is_disjoint(&conflicted)
            });
            Some(reached.into_iter().collect())
        },
    )
    .unwrap()
    .into_iter()
    .map(|((event_type, key), id)| ((event_type.to_string(), key), id))
    .collect()
}

fn resolve_cut(world: &World, states: &[RoomState]) -> BTreeMap<(String, String), OwnedEventId> {
    let rules = world.fold.rules().unwrap();
    let mut loaded = decide::pdu::KnownPdus::new();
    for _ in 0..4 {
        match resolve_states(states, world.fold.index(), &rules, &loaded) {
            Ok(state) => {
                return state
                    .iter()
                    .map(|(key, entry)| (key.clone(), entry.event_id.clone()))
                    .collect();
            }
            Err(ResolutionFault::Missing(ids)) => {
                loaded.extend(ids.iter().map(|id| world.known.by_id(id).unwrap()));
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("resolution names ever more events");
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            0..4_usize,
            0..9_usize,
            0..5_u64,
        ),
        5..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_inputs_resolve_as_full_ones(
        version in prop::sample::select(vec!["3", "6", "8", "10", "11", "12"]),
        steps in steps(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 2..5),
    ) {
        let (world, events) = grow(version, &steps);
        let states: Vec<RoomState> = picks
            .iter()
            .filter_map(|pick| world.fold.state_after(pick.get(events.as_slice()) as &OwnedEventId).cloned())
            .collect();
        prop_assume!(states.len() >= 2);
        prop_assert_eq!(resolve_cut(&world, &states), resolve_fully(&world, &states));
    }

    #[test]
    fn replay_of_any_graph_is_equal(
        version in prop::sample::select(vec!["6", "11", "12"]),
        steps in steps(),
    ) {
        let (world, _) = grow(version, &steps);
        world.assert_replay_is_equal();
        // With one extremity the current state is the state after it.
        if let [tip] = world.fold.tips() {
            prop_assert_eq!(Some(world.fold.state()), world.fold.state_after(&tip.event_id));
        }
    }
}

#[test]
fn random_graphs_do_conflict() {
    // The property would be empty if no graph ever conflicted.
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let conflicts = (0..20)
        .filter(|_| {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let (world, events) = grow("11", &steps);
            let states: Vec<_> =
                events.iter().filter_map(|id| world.fold.state_after(id)).collect();
            states.iter().any(|a| {
                states.iter().any(|b| {
                    a.iter().any(|(key, entry)| b.get(key).is_some_and(|other| other != entry))
                })
            })
        })
        .count();
    assert!(conflicts > 10, "{conflicts} of 20");
}

#[test]
fn a_missing_event_is_a_fault() {
    let steps = [5, 5];
    let mut world = grow("11", &[]).0;
    let base = world.fold.tips()[0].event_id.clone();
    let mut states = Vec::new();
    for (number, _) in steps.iter().enumerate() {
        let state = world.fold.state_after(&base).unwrap().clone();
        let event = Foreign::after(
            &world,
            &state,
            &[&base],
            &user("alice"),
            "m.room.topic",
            Some(""),
            json!({ "topic": number }),
        );
        let (id, _) = place(&mut world, &event, &PlaceAs::live()).unwrap();
        states.push(world.fold.state_after(&id).unwrap().clone());
    }
    let nothing = decide::pdu::KnownPdus::new();
    let rules = world.fold.rules().unwrap();
    let fault = resolve_states(&states, world.fold.index(), &rules, &nothing).unwrap_err();
    assert!(matches!(fault, ResolutionFault::Missing(_)));
}
