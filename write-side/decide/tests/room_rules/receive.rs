//! Checks before a PDU of another server is stored.

use decide::room::{CreateRoom, DropReason, Signatures, decide_store};
use ruma::{CanonicalJsonValue, RoomVersionId};
use serde_json::json;

use crate::{
    peer::{Foreign, keys, receive, stranger},
    world::World,
    world::user,
};

fn world(version: &str) -> World {
    World::create(&CreateRoom::new(user("alice"), RoomVersionId::try_from(version).unwrap()))
}

fn message(world: &World, body: &str) -> Foreign {
    let prev = world.fold.tips()[0].event_id.clone();
    Foreign::after(
        world,
        world.fold.state(),
        &[&prev],
        &stranger("bob"),
        "m.room.message",
        None,
        json!({ "body": body }),
    )
}

#[test]
fn a_good_pdu_is_taken_without_its_unsigned() {
    for version in ["3", "6", "11", "12"] {
        let world = world(version);
        let (id, mut json) = message(&world, "hello").build(&world);
        json.insert("unsigned".to_owned(), CanonicalJsonValue::Object([].into()));
        let received = receive(&world, &json).unwrap();
        assert_eq!(received.pdu.event_id(), id);
        assert!(!received.is_redacted);
        assert!(!received.pdu.json().contains_key("unsigned"));
        assert!(received.fact(&world.fold.rules().unwrap()).is_some());
    }
}

#[test]
fn a_bad_content_hash_leaves_the_redacted_form() {
    let world = world("11");
    let (id, mut json) = message(&world, "hello").build(&world);
    let content = json.get_mut("content").unwrap().as_object_mut().unwrap();
    content.insert("body".to_owned(), "tampered".into());
    let received = receive(&world, &json).unwrap();
    assert!(received.is_redacted);
    assert_eq!(received.pdu.event_id(), id);
    assert!(received.pdu.content_object().unwrap().is_empty());
}

#[test]
fn bad_signatures_drop() {
    let world = world("11");
    let (_, mut json) = message(&world, "hello").build(&world);
    json.insert("origin_server_ts".to_owned(), CanonicalJsonValue::Integer(5.into()));
    assert!(matches!(receive(&world, &json), Err(DropReason::Signature(_))));
}

#[test]
fn what_is_not_canonical_drops() {
    let world = world("11");
    let rules = world.fold.rules().unwrap();
    let (_, json) = message(&world, "NUMBER").build(&world);
    let text = serde_json::to_string(&json).unwrap();
    for bad in ["1.5", "1e3", "9007199254740993"] {
        let text = text.replace("\"NUMBER\"", bad);
        let dropped = decide_store(&text, world.fold.room_id(), &rules, Signatures::Good);
        assert_eq!(dropped.unwrap_err(), DropReason::NotCanonical, "{bad}");
    }
    let dropped = decide_store("[]", world.fold.room_id(), &rules, Signatures::Good);
    assert_eq!(dropped.unwrap_err(), DropReason::NotCanonical);
}

#[test]
fn the_size_limit_is_65_536_bytes() {
    let world = world("11");
    let length = |body: usize| {
        let (_, json) = message(&world, &"x".repeat(body)).build(&world);
        serde_json::to_vec(&json).unwrap().len()
    };
    let frame = length(0);
    let (_, json) = message(&world, &"x".repeat(65_536 - frame)).build(&world);
    assert_eq!(serde_json::to_vec(&json).unwrap().len(), 65_536);
    assert!(!receive(&world, &json).unwrap().is_redacted);
    let mut larger = json;
    larger.insert("x".to_owned(), "".into());
    assert_eq!(receive(&world, &larger).unwrap_err(), DropReason::TooLarge);
}

#[test]
fn another_rooms_pdu_and_bad_formats_drop() {
    let world_of_room = world("11");
    let rules = world_of_room.fold.rules().unwrap();
    let (_, json) = message(&world_of_room, "hello").build(&world_of_room);
    let text = serde_json::to_string(&json).unwrap();
    let other = ruma::RoomId::parse("!other:there.test").unwrap();
    let dropped = decide_store(&text, &other, &rules, Signatures::Keys(&keys()));
    assert_eq!(dropped.unwrap_err(), DropReason::OtherRoom);
    for field in ["type", "sender", "prev_events", "auth_events", "depth", "content"] {
        let mut json = json.clone();
        json.remove(field);
        assert!(matches!(receive(&world_of_room, &json), Err(DropReason::Format(_))), "{field}");
    }
}

#[test]
fn a_create_event_of_version_12_names_its_room() {
    let world = world("12");
    let create = world.state_pdu("m.room.create", "");
    let text = serde_json::to_string(create.json()).unwrap();
    let rules = world.fold.rules().unwrap();
    let received =
        decide_store(&text, world.fold.room_id(), &rules, Signatures::Keys(&keys())).unwrap();
    assert_eq!(received.pdu.room_id(), world.fold.room_id());
    let other = ruma::RoomId::parse("!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let dropped = decide_store(&text, &other, &rules, Signatures::Keys(&keys()));
    assert_eq!(dropped.unwrap_err(), DropReason::OtherRoom);
}
