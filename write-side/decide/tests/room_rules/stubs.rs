//! Messages that are destroyed leave a room's fold as it is. What the other tests of this binary
//! bring about (forks, rejected and soft-failed events, gaps, history) is evolved from stubs as
//! well, by [`World::assert_replay_is_equal`].

use decide::room::{NewEvent, PlaceAs, PlaceFault, RECENT_STATES_MAX, RoomFold};
use facts::fact::{ClientTxn, Fact, PduStub, SoftFailReason, Verdict};
use serde_json::json;

use crate::{
    foreign_room::{live, room, say, tip, topic},
    peer::{batch, place, stranger},
    world::{World, content, user},
};

fn talk(world: &mut World, body: &str) {
    let mut message =
        NewEvent::message(user("alice"), "m.room.message", content(json!({ "body": body })));
    message.txn = Some(ClientTxn {
        device_id: "D".to_owned(),
        endpoint: "send_message_event".to_owned(),
        txn_id: body.to_owned(),
    });
    world.send(message).unwrap();
}

/// Forks with state on both sides, what is soft-failed, what is rejected, an outlier.
fn eventful(version: &str) -> World {
    let mut world = room(version);
    let (bob, eve) = (stranger("bob"), stranger("eve"));
    for number in 0..3 {
        let base = tip(&world);
        let left = say(&world, &[&base], &bob, &format!("left {number}"));
        let (left, _) = live(&mut world, &left);
        let right = topic(&world, &base, &bob, &format!("topic {number}"));
        live(&mut world, &right);
        let after = say(&world, &[&left], &bob, "after the left");
        live(&mut world, &after);
        talk(&mut world, &format!("merged {number}"));
    }
    let base = tip(&world);
    let refused = PlaceAs::Live { state_before: None, is_refused_by_policy: true };
    let event = say(&world, &[&base], &bob, "unwanted");
    let (_, verdict) = place(&mut world, &event, &refused).unwrap();
    assert_eq!(verdict, Verdict::SoftFail(SoftFailReason::PolicyServer));
    let stranger_says = say(&world, &[&base], &eve, "I am not here");
    let (_, verdict) = live(&mut world, &stranger_says);
    assert!(matches!(verdict, Verdict::Reject(_)));
    let later = say(&world, &[&base], &bob, "known before it is placed");
    let (later, _) = place(&mut world, &later, &PlaceAs::outlier()).unwrap();
    let placed = batch(&mut world, |batch| match batch.place(&later, PlaceAs::live()) {
        Err(PlaceFault::Unknown(id)) => Err(PlaceFault::MissingInputs(vec![id])),
        other => other,
    });
    assert_eq!(placed, Ok(Verdict::Accept));
    let apart = say(&world, &[&base], &bob, "apart");
    place(&mut world, &apart, &PlaceAs::outlier()).unwrap();
    world
}

#[test]
fn a_fold_of_stubs_is_the_fold_of_the_messages() {
    for version in ["3", "6", "11", "12"] {
        let mut world = eventful(version);
        assert_eq!(world.fold.unsettled().count(), 1, "the outlier keeps its skeleton");
        world.assert_replay_is_equal();
        // The states of what came before are forgotten, and the room goes on.
        for number in 0..=RECENT_STATES_MAX {
            talk(&mut world, &format!("later {number}"));
        }
        world.assert_replay_is_equal();
    }
}

#[test]
fn a_stub_says_nothing_of_the_message_and_state_and_redactions_have_none() {
    let mut world = eventful("10");
    let target = tip(&world);
    world.send(NewEvent::redaction(user("alice"), target, None)).unwrap();
    let (mut stubs, mut without) = (0, 0);
    for entry in &world.entries {
        let Fact::PduStored(stored) = &entry.fact else { continue };
        let redaction = stored.redacted.windows(16).any(|text| text == b"m.room.redaction");
        match world.stub(entry) {
            Some(Fact::PduStub(stub)) => {
                stubs += 1;
                assert!(!stored.is_state && !redaction);
                assert_eq!((stub.pdu, &stub.event_id), (entry.position, &stored.event_id));
                let bare = PduStub { placement: None, ..stub };
                let said = serde_json::to_string(&bare).unwrap();
                for told in ["alice", "bob", "m.room", "body", "sha256", "1700000"] {
                    assert!(!said.contains(told), "{said}");
                }
            }
            _ => without += 1,
        }
    }
    assert!(stubs > 5 && without > 5, "{stubs} and {without}");
}

/// As after a restore from a copy that is older than the stubs, and carries out the orders.
#[test]
fn a_room_goes_on_where_messages_are_gone_and_nobody_wrote_stubs() {
    for version in ["6", "12"] {
        let mut world = eventful(version);
        let state = world.fold.state().clone();
        let mut left = RoomFold::new(world.fold.stream(), world.fold.room_id().to_owned());
        for entry in &world.entries {
            match world.stub(entry) {
                Some(_) => left.skip(),
                None => left.evolve(entry.position, entry.batch, &entry.fact),
            }
        }
        assert_eq!((left.state(), left.revision()), (&state, world.fold.revision()));
        world.fold = left;
        for number in 0..3 {
            talk(&mut world, &format!("on {number}"));
            let topic = content(json!({ "topic": number }));
            world.send(NewEvent::state(user("alice"), "m.room.topic", "", topic)).unwrap();
        }
        assert_eq!(world.fold.tips().len(), 1);
        let topic = world.state_pdu("m.room.topic", "");
        assert_eq!(topic.content_object().unwrap()["topic"], ruma::Int::from(2));
    }
}
