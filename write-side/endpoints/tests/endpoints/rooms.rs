//! Rooms: creating, sending, memberships, aliases.

use ruma::RoomVersionId;
use serde_json::{Value, json};

use crate::world::{Person, World, refusal};

async fn send(world: &World, person: &Person, room: &str, txn: &str, body: &str) -> Value {
    let path = format!("/rooms/{room}/send/m.room.message/{txn}");
    let content = json!({ "msgtype": "m.text", "body": body, "org.example.extra": [1, "ä"] });
    world.by(person, "PUT", &path, content).await.ok()
}

async fn content_of(world: &World, room: &str, event_id: &Value) -> Value {
    let room = ruma::RoomId::parse(room).unwrap();
    let event_id = ruma::EventId::parse(event_id.as_str().unwrap()).unwrap();
    let stored = world.write_side.pdu(&room, &event_id).await.unwrap().unwrap();
    serde_json::to_value(stored.pdu.content_object().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_once_and_kept_as_it_came() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    let first = send(&world, &alice, &room, "t1", "hello").await;
    let again = send(&world, &alice, &room, "t1", "hello").await;
    assert_eq!(first, again);
    let other = send(&world, &alice, &room, "t2", "hello").await;
    assert_ne!(first, other);
    let content = content_of(&world, &room, &first["event_id"]).await;
    assert_eq!(content["org.example.extra"], json!([1, "ä"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_refused() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    let message = format!("/rooms/{room}/send/m.room.message/t");
    let float = world.by(&alice, "PUT", &message, json!({ "body": 1.5 })).await;
    assert_eq!(float.refused(), refusal(400, "M_BAD_JSON"));
    let large = json!({ "body": "x".repeat(70_000) });
    let large = world.by(&alice, "PUT", &message, large).await;
    assert_eq!(large.refused(), refusal(413, "M_TOO_LARGE"));
    let anonymous = world.anonymous("PUT", &message, json!({})).await.refused();
    assert_eq!(anonymous, refusal(401, "M_MISSING_TOKEN"));
    let redaction = format!("/rooms/{room}/send/m.room.redaction/t");
    let aimless = world.by(&alice, "PUT", &redaction, json!({})).await;
    assert_eq!(aimless.refused(), refusal(400, "M_BAD_JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_unknown_answers_like_one_that_is_closed_to_the_sender() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.by(&alice, "POST", "/createRoom", json!({})).await.ok();
    let room = room["room_id"].as_str().unwrap();
    let nowhere = "!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for room in [room, nowhere] {
        let path = format!("/rooms/{room}/send/m.room.message/t");
        let refused = world.by(&bob, "PUT", &path, json!({ "body": "x" })).await;
        assert_eq!(refused.refused(), refusal(403, "M_FORBIDDEN"));
    }
    let join = format!("/rooms/{nowhere}/join");
    let unknown = world.by(&bob, "POST", &join, json!({})).await.refused();
    assert_eq!(unknown, refusal(404, "M_NOT_FOUND"));
    let join = format!("/join/{room}");
    let closed = world.by(&bob, "POST", &join, json!({})).await.refused();
    assert_eq!(closed, refusal(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_set_under_every_form_of_its_path() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    for end in ["", "/"] {
        let path = format!("/rooms/{room}/state/m.room.topic{end}");
        let topic = json!({ "topic": format!("with{end}") });
        let sent = world.by(&alice, "PUT", &path, topic.clone()).await.ok();
        assert_eq!(content_of(&world, &room, &sent["event_id"]).await, topic);
    }
    let path = format!("/rooms/{room}/state/org.example.seat/a%2Fb");
    world.by(&alice, "PUT", &path, json!({ "n": 1 })).await.ok();
    let path = format!("/rooms/{room}/state/m.room.member/nobody");
    let odd = world.by(&alice, "PUT", &path, json!({ "membership": "invite" })).await;
    assert_eq!(odd.refused(), refusal(400, "M_BAD_JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_takes_the_content_away() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    let sent = send(&world, &alice, &room, "t1", "hello").await;
    let event_id = sent["event_id"].as_str().unwrap();
    let path = format!("/rooms/{room}/redact/{event_id}/r1");
    let reason = json!({ "reason": "typo" });
    let redaction = world.by(&alice, "PUT", &path, reason.clone()).await.ok();
    let again = world.by(&alice, "PUT", &path, reason).await.ok();
    assert_eq!(redaction, again);
    let content = content_of(&world, &room, &redaction["event_id"]).await;
    assert_eq!(content["redacts"], event_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_created_as_wished() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let wish = json!({
        "room_alias_name": "tea", "name": "Tea", "topic": "At six", "visibility": "public",
        "invite": [bob.user_id, "@far:elsewhere.org"],
        "initial_state": [{ "type": "org.example.table", "content": { "seats": 4 } }],
        "room_version": "10",
    });
    let room = world.by(&alice, "POST", "/createRoom", wish.clone()).await.ok();
    let joined = world.by(&bob, "POST", "/join/%23tea:example.org", json!({})).await.ok();
    assert_eq!(joined, room);
    let taken = world.by(&alice, "POST", "/createRoom", wish).await.refused();
    assert_eq!(taken, refusal(400, "M_ROOM_IN_USE"));
    let cases = [
        (json!({ "room_version": "1" }), 400, "M_UNSUPPORTED_ROOM_VERSION"),
        (json!({ "room_version": "nonsense" }), 400, "M_UNSUPPORTED_ROOM_VERSION"),
        (json!({ "preset": "nonsense" }), 400, "M_INVALID_PARAM"),
        (json!({ "room_alias_name": "a:b" }), 400, "M_INVALID_PARAM"),
        (json!({ "initial_state": [{}] }), 400, "M_BAD_JSON"),
        // Nobody could set the name that is asked for.
        (
            json!({ "name": "Tea", "room_version": "11", "power_level_content_override":
            { "users": {}, "events": { "m.room.name": 50 } } }),
            400,
            "M_INVALID_ROOM_STATE",
        ),
        (
            json!({ "creation_content": { "additional_creators": ["alice"] } }),
            400,
            "M_INVALID_ROOM_STATE",
        ),
        (
            json!({ "invite_3pid": [{ "id_server": "id.example.org", "id_access_token": "x",
            "medium": "email", "address": "a@example.org" }] }),
            403,
            "M_THREEPID_DENIED",
        ),
    ];
    for (wish, status, code) in cases {
        let refused = world.by(&alice, "POST", "/createRoom", wish).await.refused();
        assert_eq!(refused, refusal(status, code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_change_by_their_endpoints() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.by(&alice, "POST", "/createRoom", json!({})).await.ok();
    let room = room["room_id"].as_str().unwrap();
    let at = |what: &str| format!("/rooms/{room}/{what}");
    let bob_id = json!({ "user_id": bob.user_id, "reason": "why not" });

    world.by(&alice, "POST", &at("invite"), bob_id.clone()).await.ok();
    world.by(&bob, "POST", &at("join"), json!({})).await.ok();
    let kick_by_bob = json!({ "user_id": alice.user_id });
    let refused = world.by(&bob, "POST", &at("kick"), kick_by_bob).await.refused();
    assert_eq!(refused, refusal(403, "M_FORBIDDEN"));
    let early = world.by(&bob, "POST", &at("forget"), json!({})).await.refused();
    assert_eq!(early, refusal(400, "M_UNKNOWN"));
    world.by(&bob, "POST", &at("leave"), json!({})).await.ok();
    world.by(&bob, "POST", &at("leave"), json!({})).await.ok();
    world.by(&bob, "POST", &at("forget"), json!({})).await.ok();

    world.by(&alice, "POST", &at("ban"), bob_id.clone()).await.ok();
    let banned = world.by(&alice, "POST", &at("invite"), bob_id.clone()).await.refused();
    assert_eq!(banned, refusal(403, "M_FORBIDDEN"));
    world.by(&alice, "POST", &at("unban"), bob_id.clone()).await.ok();
    let twice = world.by(&alice, "POST", &at("unban"), bob_id).await.refused();
    assert_eq!(twice, refusal(403, "M_BAD_STATE"));

    let mail = json!({
        "id_server": "id.example.org", "id_access_token": "x", "medium": "email",
        "address": "bob@example.org",
    });
    let mail = world.by(&alice, "POST", &at("invite"), mail).await.refused();
    assert_eq!(mail, refusal(403, "M_THREEPID_DENIED"));
    let far = json!({ "user_id": "@far:elsewhere.org" });
    let far = world.by(&alice, "POST", &at("invite"), far).await.refused();
    assert_eq!(far, refusal(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn knocking_needs_a_room_that_hears_it() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let wish = json!({ "initial_state": [
        { "type": "m.room.join_rules", "content": { "join_rule": "knock" } },
    ] });
    let room = world.by(&alice, "POST", "/createRoom", wish).await.ok();
    let path = format!("/knock/{}", room["room_id"].as_str().unwrap());
    let knocked = world.by(&bob, "POST", &path, json!({ "reason": "tea?" })).await.ok();
    assert_eq!(knocked, room);
    let deaf = world.public_room(&alice).await;
    let refused = world.by(&bob, "POST", &format!("/knock/{deaf}"), json!({})).await;
    assert_eq!(refused.refused(), refusal(403, "M_FORBIDDEN"));
    let nowhere = world.by(&bob, "POST", "/knock/%23none:example.org", json!({})).await;
    assert_eq!(nowhere.refused(), refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_listed_by_whoever_may() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.public_room(&alice).await;
    let path = format!("/directory/list/room/{room}");
    let public = json!({ "visibility": "public" });
    world.by(&alice, "PUT", &path, public.clone()).await.ok();
    let id = ruma::RoomId::parse(&room).unwrap();
    assert!(world.write_side.room(&id).await.unwrap().is_published());
    let outside = world.by(&bob, "PUT", &path, public.clone()).await.refused();
    assert_eq!(outside, refusal(403, "M_FORBIDDEN"));
    let unknown = world.by(&alice, "PUT", "/directory/list/room/!none:example.org", public).await;
    assert_eq!(unknown.refused(), refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_room_points_to_its_successor() {
    let world = World::with(|settings| settings.default_room_version = RoomVersionId::V10).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.public_room(&alice).await;
    world.by(&bob, "POST", &format!("/rooms/{room}/join"), json!({})).await.ok();
    let path = format!("/rooms/{room}/upgrade");
    let wish = json!({ "new_version": "12" });
    let refused = world.by(&bob, "POST", &path, wish.clone()).await.refused();
    assert_eq!(refused, refusal(403, "M_FORBIDDEN"));
    let unknown = json!({ "new_version": "nonsense" });
    let unknown = world.by(&alice, "POST", &path, unknown).await.refused();
    assert_eq!(unknown, refusal(400, "M_UNSUPPORTED_ROOM_VERSION"));
    let upgraded = world.by(&alice, "POST", &path, wish).await.ok();
    let id = ruma::RoomId::parse(&room).unwrap();
    let fold = world.write_side.room(&id).await.unwrap();
    let tombstone = fold.state_entry("m.room.tombstone", "").unwrap();
    let content = content_of(&world, &room, &json!(tombstone.event_id)).await;
    assert_eq!(content["replacement_room"], upgraded["replacement_room"]);
}
