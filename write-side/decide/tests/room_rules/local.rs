//! Rules of our own events.

use decide::room::{CreateRoom, NewEvent, Preset, RoomRefusal, decide_create_room};
use facts::fact::Fact;
use ruma::{
    RoomVersionId, UserId,
    events::room::member::MembershipState,
    serde::Base64,
    signatures::{PublicKeyMap, Verified, verify_event},
};
use serde_json::json;

use crate::world::{World, content, key, user};

const VERSIONS: [&str; 11] = ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

fn version(version: &str) -> RoomVersionId {
    RoomVersionId::try_from(version).unwrap()
}

fn message(sender: &UserId, body: &str) -> NewEvent {
    NewEvent::message(
        sender.to_owned(),
        "m.room.message",
        content(json!({ "msgtype": "m.text", "body": body })),
    )
}

fn member(sender: &UserId, target: &UserId, membership: &str) -> NewEvent {
    NewEvent::state(
        sender.to_owned(),
        "m.room.member",
        target.as_str(),
        content(json!({ "membership": membership })),
    )
}

fn verify_all(world: &World) {
    let rules = world.fold.rules().unwrap();
    let keys = [("ed25519:test".to_owned(), Base64::new(key(1).public_key().to_vec()))];
    let keys = PublicKeyMap::from([("here.test".to_owned(), keys.into())]);
    for entry in &world.entries {
        if let Fact::PduStored(stored) = &entry.fact {
            let pdu = world.pdu(&ruma::EventId::parse(&stored.event_id).unwrap());
            let verified = verify_event(&keys, pdu.json(), &rules).unwrap();
            assert_eq!(verified, Verified::All);
            assert!(pdu.json().contains_key(facts::pdu::SALT_KEY));
        }
    }
}

fn forbidden<T: std::fmt::Debug>(result: Result<T, RoomRefusal>) {
    match result {
        Err(RoomRefusal::Forbidden { .. }) => {}
        other => panic!("expected Forbidden, got {other:?}"),
    }
}

#[test]
fn every_version_creates_sends_and_redacts() {
    let alice = user("alice");
    for name in VERSIONS {
        let mut world = World::create(&CreateRoom::new(alice.clone(), version(name)));
        let sent = world.send(message(&alice, "secret")).unwrap();
        verify_all(&world);
        let redaction = NewEvent::redaction(alice.clone(), sent.clone(), Some("why"));
        let facts_before = world.entries.len();
        world.send(redaction).unwrap();
        let new: Vec<_> = world.entries[facts_before..].iter().map(|entry| &entry.fact).collect();
        match new.as_slice() {
            [Fact::PduStored(_), Fact::PduRedacted(redacted)] => {
                assert_eq!(
                    redacted.target.resolve(world.entries[facts_before].batch),
                    world.position_of(&sent),
                    "version {name}"
                );
            }
            other => panic!("version {name}: {other:?}"),
        }
        world.assert_replay_is_equal();
    }
}

#[test]
fn version_1_and_unknown_versions_are_refused() {
    for name in ["1", "org.example.nothing"] {
        let wish = CreateRoom::new(user("alice"), version(name));
        let world = World::empty();
        let refused = decide_create_room(&wish, &world.context(0)).unwrap_err();
        assert_eq!(refused, RoomRefusal::UnsupportedRoomVersion(version(name)));
    }
}

#[test]
fn a_room_of_version_12_is_named_after_its_create_event() {
    let world = World::create(&CreateRoom::new(user("alice"), version("12")));
    let create = world.fold.state_entry("m.room.create", "").unwrap();
    assert_eq!(create.event_id.as_str()[1..], world.fold.room_id().as_str()[1..]);
    let create = world.pdu(&create.event_id);
    assert!(!create.json().contains_key("room_id"));
    let join = world.fold.state_entry("m.room.member", "@alice:here.test").unwrap();
    assert!(!world.pdu(&join.event_id).auth_events().contains(&create.owned_event_id()));
}

#[test]
fn a_transaction_makes_one_event() {
    let alice = user("alice");
    let mut world = World::create(&CreateRoom::new(alice.clone(), version("12")));
    let mut event = message(&alice, "once");
    event.txn = Some(facts::fact::ClientTxn {
        device_id: "D".to_owned(),
        endpoint: "send_message_event".to_owned(),
        txn_id: "t1".to_owned(),
    });
    let first = world.send(event.clone()).unwrap();
    let again = world.decide(event.clone()).unwrap();
    assert!(again.facts.is_empty());
    assert_eq!(again.event_id, first);
    let mut other = event;
    other.txn.as_mut().unwrap().device_id = "E".to_owned();
    assert_ne!(world.send(other).unwrap(), first);
    world.assert_replay_is_equal();
}

#[test]
fn state_that_is_set_already_makes_no_event() {
    let alice = user("alice");
    let mut world = World::create(&CreateRoom::new(alice.clone(), version("11")));
    let topic = |text: &str| {
        NewEvent::state(alice.clone(), "m.room.topic", "", content(json!({ "topic": text })))
    };
    let first = world.send(topic("a")).unwrap();
    let again = world.decide(topic("a")).unwrap();
    assert!(again.facts.is_empty());
    assert_eq!(again.event_id, first);
    assert_ne!(world.send(topic("b")).unwrap(), first);
    assert_eq!(world.state_pdu("m.room.topic", "").content_str("topic"), Some("b"));
}

#[test]
fn membership_follows_the_rules() {
    let (alice, bob, carol) = (user("alice"), user("bob"), user("carol"));
    for name in VERSIONS {
        let mut world = World::create(&CreateRoom::new(alice.clone(), version(name)));
        forbidden(world.send(member(&bob, &bob, "join")));
        forbidden(world.send(message(&bob, "hello")));
        forbidden(world.send(member(&bob, &carol, "invite")));
        world.send(member(&alice, &bob, "invite")).unwrap();
        assert_eq!(world.fold.membership(&bob), MembershipState::Invite);
        world.send(member(&bob, &bob, "join")).unwrap();
        world.send(message(&bob, "hello")).unwrap();
        forbidden(world.send(member(&bob, &alice, "leave")));
        forbidden(world.send(member(&bob, &alice, "ban")));
        world.send(member(&alice, &bob, "leave")).unwrap();
        forbidden(world.send(message(&bob, "hello")));
        world.send(member(&alice, &bob, "ban")).unwrap();
        forbidden(world.send(member(&alice, &bob, "invite")));
        forbidden(world.send(member(&bob, &bob, "join")));
        forbidden(world.send(member(&bob, &bob, "leave")));
        world.send(member(&alice, &bob, "leave")).unwrap();
        assert_eq!(world.fold.membership(&bob), MembershipState::Leave);
        assert_eq!(world.fold.members().count(), 2);
        world.assert_replay_is_equal();
    }
}

#[test]
fn knocking_needs_its_join_rule_and_version() {
    let (alice, bob) = (user("alice"), user("bob"));
    for (name, allowed) in [("6", false), ("7", true), ("10", true), ("12", true)] {
        let mut wish = CreateRoom::new(alice.clone(), version(name));
        wish.initial_state.push((
            "m.room.join_rules".to_owned(),
            String::new(),
            content(json!({ "join_rule": "knock" })),
        ));
        let mut world = World::create(&wish);
        let knock = world.send(member(&bob, &bob, "knock"));
        if allowed {
            knock.unwrap();
            assert_eq!(world.fold.membership(&bob), MembershipState::Knock);
        } else {
            forbidden(knock);
        }
    }
}

#[test]
fn only_the_powerful_redact_what_others_sent() {
    let (alice, bob) = (user("alice"), ruma::UserId::parse("@bob:there.test").unwrap());
    let mut wish = CreateRoom::new(alice.clone(), version("11"));
    wish.preset = Some(Preset::PublicChat);
    let mut world = World::create(&wish);
    world.send(member(&bob, &bob, "join")).unwrap();
    let by_alice = world.send(message(&alice, "a")).unwrap();
    let by_bob = world.send(message(&bob, "b")).unwrap();
    forbidden(world.send(NewEvent::redaction(bob.clone(), by_alice, None)));
    let redaction = world.send(NewEvent::redaction(alice.clone(), by_bob.clone(), None)).unwrap();
    let pdu = world.pdu(&redaction);
    assert_eq!(pdu.redacts(), Some(&*by_bob));
    assert!(!pdu.json().contains_key("redacts"), "version 11 keeps it in the content");
    let create = world.fold.state_entry("m.room.create", "").unwrap().event_id.clone();
    forbidden(world.send(NewEvent::redaction(alice, create, None)));
}

#[test]
fn too_large_events_are_refused() {
    let alice = user("alice");
    let world = World::create(&CreateRoom::new(alice.clone(), version("12")));
    let refused = world.decide(message(&alice, &"x".repeat(66_000))).unwrap_err();
    assert_eq!(refused, RoomRefusal::TooLarge);
    // Between the largest content that fits and the limit only the frame is left.
    let decided = world.decide(message(&alice, &"x".repeat(64_000))).unwrap();
    assert!(decided.pdus[0].json().len() > 5);
    let long_key = NewEvent::state(alice, "m.room.topic", "k".repeat(256), content(json!({})));
    assert!(matches!(world.decide(long_key), Err(RoomRefusal::Malformed(_))));
}

#[test]
fn a_missing_input_is_named() {
    let alice = user("alice");
    let world = World::create(&CreateRoom::new(alice.clone(), version("12")));
    let nothing = decide::pdu::KnownPdus::new();
    let refused = decide::room::decide_new_event(
        &world.fold,
        &message(&alice, "a"),
        &world.context(0),
        &nothing,
    )
    .unwrap_err();
    assert!(matches!(refused, RoomRefusal::MissingInput(_)), "{refused:?}");
}

#[test]
fn creating_follows_the_order_of_the_spec() {
    let (alice, bob) = (user("alice"), user("bob"));
    let mut wish = CreateRoom::new(alice, version("12"));
    wish.preset = Some(Preset::TrustedPrivateChat);
    wish.name = Some("Name".to_owned());
    wish.topic = Some("Topic".to_owned());
    wish.invite.push(bob.clone());
    wish.is_direct = true;
    wish.is_public = true;
    wish.initial_state.push((
        "m.room.encryption".to_owned(),
        String::new(),
        content(json!({ "algorithm": "m.megolm.v1.aes-sha2" })),
    ));
    let world = World::create(&wish);
    let types: Vec<_> = world
        .entries
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::PduStored(stored) => {
                let id = ruma::EventId::parse(&stored.event_id).unwrap();
                Some(world.pdu(&id).event_type().to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        types,
        [
            "m.room.create",
            "m.room.member",
            "m.room.power_levels",
            "m.room.join_rules",
            "m.room.history_visibility",
            "m.room.guest_access",
            "m.room.encryption",
            "m.room.name",
            "m.room.topic",
            "m.room.member",
        ]
    );
    assert!(world.fold.is_published());
    let create = world.state_pdu("m.room.create", "");
    let creators = create.content_object().unwrap().get("additional_creators").unwrap();
    assert_eq!(creators.as_array().unwrap().len(), 1);
    let levels = world.state_pdu("m.room.power_levels", "");
    let users = levels.content_object().unwrap().get("users").unwrap();
    assert!(users.as_object().unwrap().is_empty());
    assert_eq!(world.fold.tips().len(), 1);
    assert_eq!(world.fold.next_index(), 10);
    world.assert_replay_is_equal();
}

#[test]
fn creating_refuses_what_makes_no_room() {
    let alice = user("alice");
    let invalid = |wish: &CreateRoom| match World::try_create(wish) {
        Err(RoomRefusal::InvalidRoomState(_)) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("created"),
    };
    let mut wish = CreateRoom::new(alice.clone(), version("12"));
    wish.power_level_content_override = content(json!({ "users": { "@alice:here.test": 100 } }));
    invalid(&wish);
    let mut wish = CreateRoom::new(alice.clone(), version("11"));
    wish.power_level_content_override = content(json!({ "ban": "fifty" }));
    invalid(&wish);
    let mut wish = CreateRoom::new(alice.clone(), version("11"));
    wish.initial_state.push(("m.room.create".to_owned(), String::new(), content(json!({}))));
    invalid(&wish);
    let mut wish = CreateRoom::new(alice, version("11"));
    wish.has_invite_3pid = true;
    assert!(matches!(World::try_create(&wish), Err(RoomRefusal::ThirdPartyInvite)));
}

#[test]
fn restricted_joins_need_somebody_who_may_invite() {
    use decide::room::{JoinPath, MembershipWish, join_path, member_event};
    let (alice, bob) = (user("alice"), user("bob"));
    let space = ruma::RoomId::parse("!space:here.test").unwrap();
    let mut wish = CreateRoom::new(alice.clone(), version("12"));
    wish.initial_state.push((
        "m.room.join_rules".to_owned(),
        String::new(),
        content(json!({
            "join_rule": "restricted",
            "allow": [{ "type": "m.room_membership", "room_id": space }],
        })),
    ));
    let mut world = World::create(&wish);
    let ours = ruma::ServerName::parse("here.test").unwrap();
    let theirs = ruma::ServerName::parse("there.test").unwrap();
    let path = |server: &ruma::ServerName, answer: Option<bool>| {
        join_path(&world.fold, &bob, server, &world.known, &|_| answer)
    };
    forbidden(path(&ours, Some(false)));
    assert_eq!(path(&ours, None), Ok(JoinPath::AskAnotherServer));
    assert_eq!(path(&theirs, Some(true)), Ok(JoinPath::AskAnotherServer));
    assert_eq!(path(&ours, Some(true)), Ok(JoinPath::AuthorizedBy(alice.clone())));
    let join = |extra| {
        member_event(&world.fold, MembershipWish::Join, bob.clone(), &bob, content(extra)).unwrap()
    };
    let plain = join(json!({}));
    let authorized = join(json!({ "join_authorised_via_users_server": alice }));
    forbidden(world.send(plain));
    world.send(authorized).unwrap();
    assert_eq!(world.fold.membership(&bob), MembershipState::Join);
}

#[test]
fn wishes_about_membership_must_fit_the_membership() {
    use decide::room::{MembershipWish, member_event};
    let (alice, bob) = (user("alice"), user("bob"));
    let mut world = World::create(&CreateRoom::new(alice.clone(), version("11")));
    let wish = |world: &World, wish, sender: &UserId| {
        member_event(&world.fold, wish, sender.to_owned(), &bob, content(json!({})))
    };
    for kind in [MembershipWish::Unban, MembershipWish::Kick, MembershipWish::Leave] {
        forbidden(wish(&world, kind, &alice));
    }
    for (kind, sender, membership) in [
        (MembershipWish::Invite, &alice, MembershipState::Invite),
        (MembershipWish::Leave, &bob, MembershipState::Leave),
        (MembershipWish::Invite, &alice, MembershipState::Invite),
        (MembershipWish::Join, &bob, MembershipState::Join),
        (MembershipWish::Kick, &alice, MembershipState::Leave),
        (MembershipWish::Ban, &alice, MembershipState::Ban),
        (MembershipWish::Unban, &alice, MembershipState::Leave),
    ] {
        let event = wish(&world, kind, sender).unwrap();
        world.send(event).unwrap();
        assert_eq!(world.fold.membership(&bob), membership, "{kind:?}");
    }
}
