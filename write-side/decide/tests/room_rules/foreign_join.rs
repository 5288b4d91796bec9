//! Joining rooms of other servers, and letting them join ours.

use decide::room::{CreateRoom, GivenState, NewEvent, PlaceAs, Preset, RoomState, StateEntry};
use facts::fact::Verdict;
use ruma::{RoomVersionId, events::room::member::MembershipState};
use serde_json::json;

use crate::{
    foreign_room::{room, tip},
    peer::{Foreign, place, stranger},
    world::{World, content, user},
};

/// Copies the state of `from` as outliers into a room that we do not know yet.
fn stage(from: &World, version: &str, chunk: usize) -> (World, RoomState) {
    let mut world = World::of_room(from.fold.room_id().to_owned());
    let rules = RoomVersionId::try_from(version).unwrap().rules().unwrap();
    let mut order: Vec<_> = from.fold.index().iter().collect();
    order.sort_by_key(|(position, _)| **position);
    let mut given = RoomState::new();
    for (step, (_, event)) in order.into_iter().enumerate() {
        let pdu = from.pdu(&event.event_id);
        let received = decide::room::decide_store(
            &serde_json::to_string(pdu.json()).unwrap(),
            from.fold.room_id(),
            &rules,
            decide::room::Signatures::Keys(&crate::peer::keys()),
        )
        .unwrap();
        let staged = (step > 0 && step % chunk == 0).then(|| given.clone());
        let known = world.known.clone();
        let mut batch = decide::room::ForeignBatch::new(&world.fold, rules.clone(), &known, 0);
        batch.store_and_place(received, PlaceAs::Outlier { staged }).unwrap();
        let facts = batch.finish();
        world.append(facts, 0);
        if from.fold.state().get(&event.key).is_some_and(|now| now.event_id == event.event_id) {
            let entry = StateEntry {
                position: world.position_of(&event.event_id),
                event_id: event.event_id.clone(),
            };
            given.insert(event.key.clone(), entry);
        }
    }
    (world, given)
}

#[test]
fn a_room_is_joined_by_its_given_state() {
    for version in ["11", "12"] {
        let far = room(version);
        let (mut world, given) = stage(&far, version, 3);
        assert_eq!(world.fold.version(), far.fold.version());
        assert!(world.fold.tips().is_empty());
        assert!(world.fold.state().is_empty(), "outliers are no state of the room");
        let carol = user("carol");
        let prev = tip(&far);
        let join = Foreign::after(
            &world,
            &given,
            &[&prev],
            &carol,
            "m.room.member",
            Some(carol.as_str()),
            json!({ "membership": "join" }),
        );
        let how = PlaceAs::Live {
            state_before: Some(GivenState { state: given.clone(), is_full: true }),
            is_refused_by_policy: false,
        };
        let (id, verdict) = place(&mut world, &join, &how).unwrap();
        assert_eq!(verdict, Verdict::Accept);
        assert_eq!(world.fold.membership(&carol), MembershipState::Join);
        assert_eq!(world.fold.state().len(), far.fold.state().len() + 1);
        assert!(world.fold.gaps().any(|(gap, _)| gap == prev));
        assert_eq!(tip(&world), id);
        world
            .send(NewEvent::message(carol, "m.room.message", content(json!({ "body": "hi" }))))
            .unwrap();
        world.assert_replay_is_equal();
    }
}

#[test]
fn a_server_prepares_a_join_and_another_signs_it() {
    use decide::room::{LocalContext, event_template, sign_template};
    for version in ["2", "6", "11", "12"] {
        let mut wish = CreateRoom::new(user("alice"), RoomVersionId::try_from(version).unwrap());
        wish.preset = Some(Preset::PublicChat);
        let mut world = World::create(&wish);
        let eve = stranger("eve");
        let join = |membership: &str| {
            let content = content(json!({ "membership": membership }));
            NewEvent::state(eve.clone(), "m.room.member", eve.as_str(), content)
        };
        let template = |event| event_template(&world.fold, &event, &world.context(0), &world.known);
        assert!(template(join("invite")).is_err(), "strangers invite nobody");
        let prepared = template(join("join")).unwrap();
        assert!(!prepared.contains_key(facts::pdu::SALT_KEY));
        let rules = world.fold.rules().unwrap();
        let there = ruma::ServerName::parse("there.test").unwrap();
        let key = crate::world::key(2);
        let context = LocalContext {
            server_name: &there,
            key: &key,
            now: facts::Timestamp(1_700_000_900_000),
            entropy: [9; 32],
            first_index: 0,
            approvals: None,
        };
        let pdu = sign_template(prepared, world.fold.room_id(), &rules, &context).unwrap();
        let received = crate::peer::receive(&world, pdu.json()).unwrap();
        assert!(!received.is_redacted);
        let known = world.known.clone();
        let mut batch = decide::room::ForeignBatch::new(&world.fold, rules, &known, 0);
        assert_eq!(batch.store_and_place(received, PlaceAs::live()), Ok(Verdict::Accept));
        let facts = batch.finish();
        world.append(facts, 0);
        assert_eq!(world.fold.membership(&eve), MembershipState::Join, "version {version}");
        world.assert_replay_is_equal();
    }
}

#[test]
fn our_signature_joins_that_of_another_server() {
    use decide::room::add_signature;
    let world = room("11");
    let prev = tip(&world);
    let bob = stranger("bob");
    let carol = user("carol");
    let invite = Foreign::after(
        &world,
        world.fold.state(),
        &[&prev],
        &bob,
        "m.room.member",
        Some(carol.as_str()),
        json!({ "membership": "invite" }),
    );
    let received = invite.received(&world);
    let rules = world.fold.rules().unwrap();
    let signed = add_signature(&received.pdu, &rules, &world.context(0)).unwrap();
    assert_eq!(signed.event_id(), received.pdu.event_id());
    let signatures = signed.json()["signatures"].as_object().unwrap();
    assert_eq!(signatures.len(), 2);
    // It is still a good PDU by the signature that it must have.
    assert!(!crate::peer::receive(&world, signed.json()).unwrap().is_redacted);
}
