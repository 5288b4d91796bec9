//! Redactions across servers and time.

use decide::room::NewEvent;
use facts::fact::{Fact, SoftFailReason, Verdict};
use ruma::{EventId, OwnedEventId};
use serde_json::json;

use crate::{
    foreign_room::{foreign, join, live, room, say, tip},
    peer::stranger,
    world::{World, content, user},
};

fn redacted(world: &World) -> Vec<(OwnedEventId, OwnedEventId)> {
    let id_of = |position| {
        world
            .entries
            .iter()
            .find(|entry| entry.position == position)
            .map(|entry| match &entry.fact {
                Fact::PduStored(stored) => EventId::parse(&stored.event_id).unwrap(),
                other => panic!("{other:?}"),
            })
            .unwrap()
    };
    world
        .entries
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::PduRedacted(redacted) => Some((
                id_of(redacted.target.resolve(entry.batch)),
                id_of(redacted.by.resolve(entry.batch)),
            )),
            _ => None,
        })
        .collect()
}

#[test]
fn a_redaction_waits_for_its_target() {
    for version in ["3", "10"] {
        for (redactor, applies) in [("bob", true), ("eve", false)] {
            let mut world = room(version);
            let redactor = stranger(redactor);
            if !applies {
                join(&mut world, &redactor);
            }
            let base = tip(&world);
            let target = say(&world, &[&base], &user("alice"), "secret");
            let target_id = target.build(&world).0;
            let mut redaction =
                foreign(&world, &[&base], &redactor, "m.room.redaction", None, json!({}));
            redaction.redacts = Some(target_id.clone());
            let (redaction_id, verdict) = live(&mut world, &redaction);
            assert_eq!(verdict, Verdict::Accept);
            assert!(redacted(&world).is_empty(), "the target is not known");
            assert_eq!(world.fold.redactions_of(&target_id).count(), 1);
            live(&mut world, &target);
            let expected = if applies { vec![(target_id, redaction_id)] } else { Vec::new() };
            assert_eq!(redacted(&world), expected, "version {version}");
            world.assert_replay_is_equal();
        }
    }
}

#[test]
fn soft_failed_and_rejected_redactions_never_apply() {
    let mut world = room("10");
    let (alice, bob) = (user("alice"), stranger("bob"));
    let message = content(json!({ "body": "stays" }));
    let target = world.send(NewEvent::message(alice.clone(), "m.room.message", message)).unwrap();
    let base = tip(&world);
    let mut redaction = foreign(&world, &[&base], &bob, "m.room.redaction", None, json!({}));
    redaction.redacts = Some(target.clone());
    let ban = content(json!({ "membership": "ban" }));
    world.send(NewEvent::state(alice, "m.room.member", bob.as_str(), ban)).unwrap();
    let (_, verdict) = live(&mut world, &redaction);
    assert_eq!(verdict, Verdict::SoftFail(SoftFailReason::CurrentState));
    assert!(redacted(&world).is_empty());
    assert_eq!(world.fold.redactions_of(&target).count(), 0);
}
