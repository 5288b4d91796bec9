//! What clients see: event forms, history visibility, push rules.

use decide::{
    pdu::Pdu,
    room::{CreateRoom, NewEvent, SeenFrom, history_visibility, is_visible, push_outcome},
};
use facts::fact::Fact;
use ruma::{
    CanonicalJsonObject, RoomVersionId, UInt,
    events::room::{history_visibility::HistoryVisibility, member::MembershipState},
    push::{PushConditionRoomCtx, Ruleset},
    serde::Raw,
};
use serde_json::json;

use crate::world::{World, content, user};

fn world(version: &str) -> World {
    World::create(&CreateRoom::new(user("alice"), RoomVersionId::try_from(version).unwrap()))
}

fn keys(event: &CanonicalJsonObject) -> Vec<&str> {
    event.keys().map(String::as_str).collect()
}

#[test]
fn clients_see_the_format_and_nothing_else() {
    let world = world("12");
    let create = world.state_pdu("m.room.create", "");
    let event = create.client_event(Some(content(json!({ "age": 5 }))));
    assert_eq!(
        keys(&event),
        [
            "content",
            "event_id",
            "origin_server_ts",
            "room_id",
            "sender",
            "state_key",
            "type",
            "unsigned"
        ]
    );
    assert_eq!(event["room_id"].as_str(), Some(world.fold.room_id().as_str()));
    assert_eq!(keys(&create.stripped_event()), ["content", "sender", "state_key", "type"]);
    assert!(!create.client_event(None).contains_key("unsigned"));
}

#[test]
fn redactions_show_their_target_in_both_places() {
    for version in ["3", "10", "11", "12"] {
        let mut world = world(version);
        let target = world
            .send(NewEvent::message(
                user("alice"),
                "m.room.message",
                content(json!({ "body": "x" })),
            ))
            .unwrap();
        let redaction = NewEvent::redaction(user("alice"), target.clone(), Some("spam"));
        let redaction = world.send(redaction).unwrap();
        let event = world.pdu(&redaction).client_event(None);
        assert_eq!(event["redacts"].as_str(), Some(target.as_str()));
        let inner = event["content"].as_object().unwrap();
        assert_eq!(inner["redacts"].as_str(), Some(target.as_str()));
        assert_eq!(inner["reason"].as_str(), Some("spam"));
    }
}

#[test]
fn a_redacted_form_shows_no_residue() {
    let mut world = world("6");
    let levels = world.state_pdu("m.room.power_levels", "");
    let mut levels = levels.content_object().unwrap().clone();
    levels.insert("invite".to_owned(), ruma::Int::from(30).into());
    let id = world.send(NewEvent::state(user("alice"), "m.room.power_levels", "", levels)).unwrap();
    let mut stored = world
        .entries
        .iter()
        .find_map(|entry| match &entry.fact {
            Fact::PduStored(stored) if stored.event_id == id.as_str() => Some(stored.clone()),
            _ => None,
        })
        .unwrap();
    stored.content = None;
    let room = world.fold.room_id();
    let served = Pdu::from_redacted_form(room, &stored).unwrap();
    assert!(!served.content_object().unwrap().contains_key("invite"));
    let authorizing = Pdu::from_stored(room, &stored).unwrap();
    assert_eq!(
        authorizing.content_object().unwrap().get("invite"),
        Some(&ruma::Int::from(30).into()),
        "authorization goes on reading what redaction strips"
    );
}

#[test]
fn history_visibility_follows_the_table_of_the_spec() {
    use HistoryVisibility::{Invited, Joined, Shared, WorldReadable};
    use MembershipState::{Ban, Invite, Join, Leave};
    let table = [
        (WorldReadable, Leave, false, true),
        (WorldReadable, Ban, false, true),
        (Shared, Join, false, true),
        (Shared, Leave, true, true),
        (Shared, Leave, false, false),
        (Shared, Invite, false, false),
        (Invited, Join, false, true),
        (Invited, Invite, false, true),
        (Invited, Leave, true, false),
        (Joined, Join, false, true),
        (Joined, Invite, true, false),
        (Joined, Leave, true, false),
    ];
    for (visibility, membership, since, expected) in table {
        let seen = SeenFrom::plain(visibility, membership, since);
        assert_eq!(is_visible(&seen), expected, "{seen:?}");
    }
    // Somebody sees the event by which they left, and the one that hides history.
    let mut left = SeenFrom::plain(Joined, Leave, false);
    left.membership_before = Some(Join);
    assert!(is_visible(&left));
    let mut hides = SeenFrom::plain(Joined, Leave, false);
    hides.visibility_before = Some(WorldReadable);
    assert!(is_visible(&hides));
    assert_eq!(history_visibility(Some("nonsense")), Shared);
    assert_eq!(history_visibility(None), Shared);
    assert_eq!(history_visibility(Some("joined")), Joined);
}

#[test]
fn push_rules_notify_and_highlight() {
    let (alice, bob) = (user("alice"), user("bob"));
    let world = world("12");
    let rules = Ruleset::server_default(&bob);
    let context = |members: u32| {
        PushConditionRoomCtx::new(
            world.fold.room_id().to_owned(),
            UInt::from(members),
            bob.clone(),
            "Bob".to_owned(),
        )
    };
    let event = |sender: &ruma::UserId, value: serde_json::Value| {
        let mut event = json!({ "type": "m.room.message", "sender": sender, "content": value });
        event["event_id"] = "$e".into();
        Raw::new(&event).unwrap()
    };
    let plain = event(&alice, json!({ "msgtype": "m.text", "body": "hello" }));
    let outcome = push_outcome(&rules, &plain, &context(3));
    assert!(outcome.notify && !outcome.highlight);
    let mention = event(
        &alice,
        json!({ "msgtype": "m.text", "body": "x", "m.mentions": { "user_ids": [bob] } }),
    );
    let outcome = push_outcome(&rules, &mention, &context(3));
    assert!(outcome.notify && outcome.highlight);
    let notice = event(&alice, json!({ "msgtype": "m.notice", "body": "x" }));
    assert!(!push_outcome(&rules, &notice, &context(3)).notify);
    let own = event(&bob, json!({ "msgtype": "m.text", "body": "hello" }));
    assert!(!push_outcome(&rules, &own, &context(3)).notify);
}
