//! Placing PDUs of another server.

use decide::{
    pdu::PduLookup,
    room::{GivenState, NewEvent, PlaceAs, PlaceFault, RoomFold},
};
use facts::fact::{PlacementKind, RejectReason, SoftFailReason, TimelinePlace, Verdict};
use ruma::events::room::member::MembershipState;
use serde_json::json;

use crate::{
    foreign_room::{foreign, live, room, say, tip, topic},
    peer::{Foreign, batch, place, stranger},
    world::{content, user},
};

const STRING_REFERENCES: [&str; 10] = ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

#[test]
fn a_fork_is_merged_by_the_next_event_of_ours() {
    for version in STRING_REFERENCES {
        let mut world = room(version);
        let bob = stranger("bob");
        let base = tip(&world);
        let (left, _) = {
            let event = say(&world, &[&base], &bob, "left");
            live(&mut world, &event)
        };
        let (right, _) = {
            let event = say(&world, &[&base], &bob, "right");
            live(&mut world, &event)
        };
        assert_eq!(world.fold.tips().len(), 2, "version {version}");
        let merged = world
            .send(NewEvent::message(
                user("alice"),
                "m.room.message",
                content(json!({ "body": "m" })),
            ))
            .unwrap();
        let prev = world.pdu(&merged).prev_events().to_vec();
        assert!(prev.contains(&left) && prev.contains(&right));
        assert_eq!(world.fold.tips().len(), 1);
        world.assert_replay_is_equal();
    }
}

#[test]
fn a_ban_wins_over_what_the_banned_does_at_the_same_time() {
    for version in STRING_REFERENCES {
        let mut world = room(version);
        let (alice, bob) = (user("alice"), stranger("bob"));
        let base = tip(&world);
        // Bob's topic comes first to us, alice's ban stands beside it in the graph.
        let first = topic(&world, &base, &bob, "by bob");
        let (_, verdict) = live(&mut world, &first);
        assert_eq!(verdict, Verdict::Accept);
        assert_eq!(world.state_pdu("m.room.topic", "").content_str("topic"), Some("by bob"));
        let ban = foreign(
            &world,
            &[&base],
            &alice,
            "m.room.member",
            Some(bob.as_str()),
            json!({ "membership": "ban" }),
        );
        let (_, verdict) = live(&mut world, &ban);
        assert_eq!(verdict, Verdict::Accept, "version {version}");
        assert_eq!(world.fold.membership(&bob), MembershipState::Ban);
        assert!(world.fold.state_entry("m.room.topic", "").is_none(), "version {version}");
        assert_eq!(world.fold.tips().len(), 2);
        world.assert_replay_is_equal();
    }
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    for version in ["6", "11", "12"] {
        let outcomes: Vec<_> = [false, true]
            .into_iter()
            .map(|swap| {
                let mut world = room(version);
                let (alice, bob) = (user("alice"), stranger("bob"));
                let base = tip(&world);
                let by_bob = topic(&world, &base, &bob, "bob").at(1_700_000_600_000);
                let by_alice = topic(&world, &base, &alice, "alice").at(1_700_000_700_000);
                let order = if swap { [&by_alice, &by_bob] } else { [&by_bob, &by_alice] };
                for event in order {
                    live(&mut world, event);
                }
                world.assert_replay_is_equal();
                world.state_pdu("m.room.topic", "").content_str("topic").unwrap().to_owned()
            })
            .collect();
        assert_eq!(outcomes[0], outcomes[1], "version {version}");
    }
}

#[test]
fn conflicting_power_levels_resolve_to_one() {
    for version in ["6", "10", "11", "12"] {
        let mut world = room(version);
        let (alice, bob) = (user("alice"), stranger("bob"));
        let base = tip(&world);
        let levels = world.state_pdu("m.room.power_levels", "");
        let with = |key: &str, level: i64| {
            let mut levels = serde_json::to_value(levels.content_object().unwrap()).unwrap();
            levels[key] = level.into();
            levels
        };
        // Alice raises what topics need, beside bob who sets one.
        let raise = foreign(
            &world,
            &[&base],
            &alice,
            "m.room.power_levels",
            Some(""),
            with("state_default", 90),
        );
        let by_bob = topic(&world, &base, &bob, "bob");
        live(&mut world, &by_bob);
        live(&mut world, &raise);
        let current = world.state_pdu("m.room.power_levels", "");
        assert_eq!(current.sender(), alice);
        // The named level of topics stays 50, so bob's topic still stands.
        assert_eq!(world.state_pdu("m.room.topic", "").sender(), bob);
        world.assert_replay_is_equal();
    }
}

#[test]
fn what_the_current_state_forbids_is_soft_failed() {
    let mut world = room("11");
    let bob = stranger("bob");
    let base = tip(&world);
    let late = say(&world, &[&base], &bob, "before I was banned");
    let mut member = content(json!({ "membership": "ban" }));
    member.insert("reason".to_owned(), "spam".into());
    let ban = NewEvent::state(user("alice"), "m.room.member", bob.as_str(), member);
    world.send(ban).unwrap();
    let tips = world.fold.tips().to_vec();
    let state = world.fold.state().clone();
    let (id, verdict) = live(&mut world, &late);
    assert_eq!(verdict, Verdict::SoftFail(SoftFailReason::CurrentState));
    assert_eq!(world.fold.tips(), tips);
    assert_eq!(world.fold.state(), &state);
    assert!(world.fold.state_after(&id).is_some(), "a later event may follow it");
    world.assert_replay_is_equal();
}

#[test]
fn a_policy_server_that_refuses_soft_fails() {
    let mut world = room("12");
    let prev = tip(&world);
    let event = say(&world, &[&prev], &stranger("bob"), "spam");
    let how = PlaceAs::Live { state_before: None, is_refused_by_policy: true };
    let (_, verdict) = place(&mut world, &event, &how).unwrap();
    assert_eq!(verdict, Verdict::SoftFail(SoftFailReason::PolicyServer));
    assert_eq!(tip(&world), prev);
}

#[test]
fn what_the_rules_forbid_is_rejected() {
    let mut world = room("11");
    let (bob, eve) = (stranger("bob"), stranger("eve"));
    let prev = tip(&world);
    // Eve is no member: her auth events cannot allow it.
    let event = say(&world, &[&prev], &eve, "hello");
    let (rejected, verdict) = live(&mut world, &event);
    assert_eq!(verdict, Verdict::Reject(RejectReason::AuthEvents));
    assert_eq!(tip(&world), prev);
    // Bob names auth events from before he was banned, after the ban.
    let before = world.fold.state().clone();
    let ban = content(json!({ "membership": "ban" }));
    world.send(NewEvent::state(user("alice"), "m.room.member", bob.as_str(), ban)).unwrap();
    let prev = tip(&world);
    let sneaky = Foreign::after(
        &world,
        &before,
        &[&prev],
        &bob,
        "m.room.message",
        None,
        json!({ "body": "x" }),
    );
    let (_, verdict) = live(&mut world, &sneaky);
    assert_eq!(verdict, Verdict::Reject(RejectReason::StateBefore));
    // An event that follows a rejected one goes on from the state before that.
    let event = say(&world, &[&rejected], &user("alice"), "answer");
    let (_, verdict) = live(&mut world, &event);
    assert_eq!(verdict, Verdict::Accept);
    world.assert_replay_is_equal();
}

#[test]
fn what_a_rejected_event_authorizes_is_rejected() {
    let mut world = room("11");
    let eve = stranger("eve");
    let ban = content(json!({ "membership": "ban" }));
    world.send(NewEvent::state(user("alice"), "m.room.member", eve.as_str(), ban)).unwrap();
    let prev = tip(&world);
    let joins = foreign(
        &world,
        &[&prev],
        &eve,
        "m.room.member",
        Some(eve.as_str()),
        json!({ "membership": "join" }),
    );
    let (join, verdict) = live(&mut world, &joins);
    assert_eq!(verdict, Verdict::Reject(RejectReason::AuthEvents));
    let mut event = say(&world, &[&prev], &eve, "hi");
    event.auth.retain(|id| !world.pdu(id).is_state("m.room.member", eve.as_str()));
    event.auth.push(join);
    let rules = decide::room::needed_for_placing(
        &world.fold,
        &world.fold.rules().unwrap(),
        &event.received(&world).pdu,
    );
    assert!(rules.iter().any(|needed| event.auth.contains(&needed.event_id)));
    let (_, verdict) = live(&mut world, &event);
    assert_eq!(verdict, Verdict::Reject(RejectReason::AuthEventRejected));
    world.assert_replay_is_equal();
}

#[test]
fn missing_events_stop_a_placement_and_decide_nothing() {
    let mut world = room("11");
    let bob = stranger("bob");
    let prev = tip(&world);
    let unseen = say(&world, &[&prev], &bob, "unseen").build(&world).0;
    let mut event = say(&world, &[&prev], &bob, "after it");
    event.prev = vec![unseen.clone()];
    let before = world.fold.clone();
    let fault = place(&mut world, &event, &PlaceAs::live()).unwrap_err();
    assert_eq!(fault, PlaceFault::MissingPrevEvents(vec![unseen.clone()]));
    let mut event = say(&world, &[&prev], &bob, "unauthorized");
    event.auth.push(unseen.clone());
    let fault = place(&mut world, &event, &PlaceAs::live()).unwrap_err();
    assert_eq!(fault, PlaceFault::MissingAuthEvents(vec![unseen]));
    assert_eq!(world.fold, before);
}

#[test]
fn a_gap_is_remembered_and_filled_from_below() {
    let mut world = room("11");
    let bob = stranger("bob");
    let base = tip(&world);
    let state = world.fold.state().clone();
    let first = say(&world, &[&base], &bob, "first");
    let first_id = first.build(&world).0;
    let mut second = say(&world, &[&base], &bob, "second");
    second.prev = vec![first_id.clone()];
    let second_id = second.build(&world).0;
    let mut third = say(&world, &[&base], &bob, "third");
    third.prev = vec![second_id.clone()];
    let how = PlaceAs::Live {
        state_before: Some(GivenState { state: state.clone(), is_full: true }),
        is_refused_by_policy: false,
    };
    let (third_id, verdict) = place(&mut world, &third, &how).unwrap();
    assert_eq!(verdict, Verdict::Accept);
    assert!(world.fold.gaps().any(|(gap, _)| gap == second_id));
    let tips = world.fold.tips().to_vec();
    let run = world.fold.oldest_run() - 1;
    // The stretch, in order of the graph.
    for (index, event) in [first, second].iter().enumerate() {
        let how = PlaceAs::Historic {
            state_before: None,
            place: TimelinePlace(run, i64::try_from(index).unwrap()),
        };
        let (_, verdict) = place(&mut world, event, &how).unwrap();
        assert_eq!(verdict, Verdict::Accept);
    }
    assert_eq!(world.fold.gaps().count(), 0);
    assert_eq!(world.fold.tips(), tips, "history moves no extremity");
    assert!(tips.iter().any(|tip| tip.event_id == third_id));
    assert_eq!(world.fold.oldest_run(), -1);
    assert_eq!(world.fold.state(), &state);
    world.assert_replay_is_equal();
}

#[test]
fn a_missed_event_that_comes_live_is_no_extremity() {
    let mut world = room("11");
    let bob = stranger("bob");
    let base = tip(&world);
    let missed = say(&world, &[&base], &bob, "missed");
    let missed_id = missed.build(&world).0;
    let mut next = say(&world, &[&base], &bob, "next");
    next.prev = vec![missed_id];
    let how = PlaceAs::Live {
        state_before: Some(GivenState { state: world.fold.state().clone(), is_full: true }),
        is_refused_by_policy: false,
    };
    let (next_id, _) = place(&mut world, &next, &how).unwrap();
    let tips = world.fold.tips().to_vec();
    live(&mut world, &missed);
    assert_eq!(world.fold.tips(), tips);
    assert!(tips.iter().any(|tip| tip.event_id == next_id));
    world.assert_replay_is_equal();
}

#[test]
fn an_outlier_can_enter_the_graph_later() {
    let mut world = room("11");
    let bob = stranger("bob");
    let base = tip(&world);
    let event = topic(&world, &base, &bob, "later");
    let (id, verdict) = place(&mut world, &event, &PlaceAs::outlier()).unwrap();
    assert_eq!(verdict, Verdict::Accept);
    assert!(world.fold.state_entry("m.room.topic", "").is_none());
    assert!(world.fold.unsettled().any(|(_, unsettled)| unsettled == id));
    let placed = batch(&mut world, |batch| match batch.place(&id, PlaceAs::live()) {
        Err(PlaceFault::Unknown(id)) => Err(PlaceFault::MissingInputs(vec![id])),
        other => other,
    });
    assert_eq!(placed, Ok(Verdict::Accept));
    assert_eq!(world.state_pdu("m.room.topic", "").event_id(), id);
    assert_eq!(world.fold.unsettled().count(), 0);
    let known = world.known.by_id(&id).unwrap();
    assert!(matches!(
        known.standing,
        decide::pdu::Standing::Placed { kind: PlacementKind::Live, .. }
    ));
    world.assert_replay_is_equal();
}

#[test]
fn many_extremities_are_bounded_in_what_follows_them() {
    let mut world = room("11");
    let bob = stranger("bob");
    let base = tip(&world);
    for number in 0..15 {
        let event = say(&world, &[&base], &bob, &format!("{number}"));
        live(&mut world, &event);
    }
    assert_eq!(world.fold.tips().len(), 15);
    assert!(world.fold.wants_merge());
    let newest = tip(&world);
    let merge = world
        .send(NewEvent::message(user("alice"), "m.room.message", content(json!({ "body": "m" }))))
        .unwrap();
    let prev = world.pdu(&merge).prev_events().to_vec();
    assert_eq!(prev.len(), 10);
    assert!(prev.contains(&newest));
    assert_eq!(world.fold.tips().len(), 6);
    world.assert_replay_is_equal();
}

#[test]
fn a_delta_and_the_rows_give_the_fold_again() {
    let mut world = room("11");
    let older = world.fold.clone();
    world
        .send(NewEvent::state(user("alice"), "m.room.name", "", content(json!({ "name": "n" }))))
        .unwrap();
    let delta = world.fold.delta_from(&older);
    assert_eq!(delta.state.len(), 1);
    assert_eq!(delta.index.len(), 1);
    let older_index = older.index().iter().map(|(position, event)| (*position, event.clone()));
    let index: Vec<_> = older_index.chain(delta.index).collect();
    let mut state: std::collections::BTreeMap<_, _> =
        older.state().iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
    for (key, entry) in delta.state {
        match entry {
            Some(entry) => state.insert(key, entry),
            None => state.remove(&key),
        };
    }
    let without: RoomFold =
        serde_json::from_slice(&serde_json::to_vec(&world.fold.without_rows()).unwrap()).unwrap();
    assert!(without.index().is_empty());
    assert_eq!(without.with_index(index.clone()), world.fold);
    let written = serde_json::to_vec(&world.fold.rest()).unwrap();
    let read = serde_json::from_slice(&written).unwrap();
    assert_eq!(RoomFold::from_rows(read, state, index), world.fold);
}
