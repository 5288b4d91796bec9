//! Members, state and single events: who sees what.

use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

/// alice is in, bob was in and left, carol never was.
fn left_behind() -> (World, usize) {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    world.state(room, "alice", "m.room.name", json!({"name": "then"}));
    world.member(room, "bob", "join");
    world.member(room, "bob", "leave");
    world.state(room, "alice", "m.room.name", json!({"name": "now"}));
    (world, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_that_of_now_or_of_leaving_and_closed_to_strangers() {
    let (world, room) = left_behind();
    let state = format!("/v3/rooms/{}/state", world.id(room));
    let name = format!("{state}/m.room.name");
    for (who, expected) in [("alice", "now"), ("bob", "then"), ("guest-bob", "then")] {
        for path in [name.clone(), format!("{name}/")] {
            assert_eq!(world.get(who, &path).await.ok(), json!({"name": expected}), "{who}");
        }
    }
    for path in [&state, &name] {
        assert_eq!(world.get("carol", path).await.refusal(), refused(403, "M_FORBIDDEN"));
    }
    let absent = world.get("alice", &format!("{state}/m.room.topic")).await;
    assert_eq!(absent.refusal(), refused(404, "M_NOT_FOUND"));
    let unknown = world.get("alice", "/v3/rooms/!none:here.test/state").await;
    assert_eq!(unknown.refusal(), refused(403, "M_FORBIDDEN"));
    let whole = world.get("bob", &state).await.ok();
    let names: Vec<&Value> = whole
        .as_array()
        .expect("a list")
        .iter()
        .filter(|event| event["type"] == "m.room.name")
        .map(|event| &event["content"]["name"])
        .collect();
    assert_eq!(names, ["then"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_event_can_be_had_whole() {
    let (world, room) = left_behind();
    let path = format!("/v3/rooms/{}/state/m.room.name/?format=event", world.id(room));
    let event = world.get("alice", &path).await.ok();
    assert_eq!(event["content"], json!({"name": "now"}));
    assert_eq!(event["room_id"], json!(world.id(room)));
    assert_eq!(event["unsigned"]["prev_content"], json!({"name": "then"}));
    assert!(event.get("hashes").is_none() && event.get("auth_events").is_none(), "{event}");
    let other = world.get("alice", &path.replace("=event", "=xml")).await;
    assert_eq!(other.refusal(), refused(400, "M_INVALID_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_now_then_and_by_membership() {
    let (world, room) = left_behind();
    let path = format!("/v3/rooms/{}/members", world.id(room));
    let who = |answer: &Value| -> Vec<String> {
        let chunk = answer["chunk"].as_array().expect("a chunk");
        chunk.iter().map(|e| e["state_key"].as_str().expect("a key").to_owned()).collect()
    };
    let all = world.get("alice", &path).await.ok();
    assert_eq!(who(&all), [user_id("alice"), user_id("bob")]);
    let joined = world.get("alice", &format!("{path}?membership=join")).await.ok();
    assert_eq!(who(&joined), [user_id("alice")]);
    let gone = world.get("alice", &format!("{path}?not_membership=join")).await.ok();
    assert_eq!(who(&gone), [user_id("bob")]);
    // Just before the event at index 3: creation, alice and the name.
    let then = world.get("alice", &format!("{path}?at=t0_3")).await.ok();
    assert_eq!(who(&then), [user_id("alice")]);
    let forged = world.get("alice", &format!("{path}?at=yesterday")).await;
    assert_eq!(forged.refusal(), refused(400, "M_INVALID_PARAM"));
    assert_eq!(world.get("carol", &path).await.refusal(), refused(403, "M_FORBIDDEN"));
    let joined = format!("/v3/rooms/{}/joined_members", world.id(room));
    let members = world.get("alice", &joined).await.ok();
    assert_eq!(members["joined"], json!({"@alice:here.test": {"display_name": "alice shown"}}));
    assert_eq!(world.get("bob", &joined).await.refusal(), refused(403, "M_FORBIDDEN"));
    let rooms = world.get("alice", "/v3/joined_rooms").await.ok();
    assert_eq!(rooms, json!({"joined_rooms": [world.id(room)]}));
    assert_eq!(world.get("bob", "/v3/joined_rooms").await.ok(), json!({"joined_rooms": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_see_is_not_found() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    let history = json!({"history_visibility": "joined"});
    world.state(room, "alice", "m.room.history_visibility", history);
    let before = world.text(room, "alice", "before bob");
    world.member(room, "bob", "join");
    let during = world.text(room, "alice", "with bob");
    world.member(room, "bob", "leave");
    let after = world.text(room, "alice", "after bob");
    for (who, event, sees) in [
        ("alice", &before, true),
        ("bob", &before, false),
        ("bob", &during, true),
        ("guest-bob", &during, true),
        ("bob", &after, false),
        ("carol", &during, false),
    ] {
        let path = format!("/v3/rooms/{}/event/{event}", world.id(room));
        let answer = world.get(who, &path).await;
        if sees {
            assert_eq!(answer.ok()["event_id"], json!(event), "{who}");
        } else {
            assert_eq!(answer.refusal(), refused(404, "M_NOT_FOUND"), "{who} {event}");
        }
        let context = world.get(who, &path.replace("/event/", "/context/")).await;
        assert_eq!(context.status.is_success(), sees, "{who} {event}");
    }
    let other = world.room("alice");
    let misplaced = format!("/v3/rooms/{}/event/{before}", world.id(other));
    assert_eq!(world.get("alice", &misplaced).await.refusal(), refused(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_is_made_for_the_reader() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let text = world.text(room, "alice", "hello");
    let path = format!("/v3/rooms/{}/event/{text}", world.id(room));
    let own = world.get("alice", &path).await.ok();
    assert_eq!(own["unsigned"]["transaction_id"], "txn");
    assert_eq!(own["unsigned"]["membership"], "join");
    assert!(own["unsigned"]["age"].is_u64(), "{own}");
    let others = world.get("bob", &path).await.ok();
    assert!(others["unsigned"].get("transaction_id").is_none(), "{others}");
    let redaction = world.redact(room, "alice", &text);
    let redacted = world.get("bob", &path).await.ok();
    assert_eq!(redacted["content"], json!({}));
    assert_eq!(redacted["unsigned"]["redacted_because"]["event_id"], json!(redaction));
    // A redaction of what is redacted changes nothing of it.
    world.redact(room, "bob", &text);
    let twice = world.get("bob", &path).await.ok();
    assert_eq!(twice["unsigned"]["redacted_because"]["event_id"], json!(redaction));
}

#[tokio::test(flavor = "multi_thread")]
async fn world_readable_rooms_are_open_to_strangers() {
    let (mut world, room) = left_behind();
    let history = json!({"history_visibility": "world_readable"});
    world.state(room, "alice", "m.room.history_visibility", history);
    let said = world.text(room, "alice", "to all");
    let id = world.id(room).to_owned();
    let name = world.get("carol", &format!("/v3/rooms/{id}/state/m.room.name")).await.ok();
    assert_eq!(name, json!({"name": "now"}));
    let messages = world.get("guest-carol", &format!("/v3/rooms/{id}/messages?dir=b")).await.ok();
    assert_eq!(messages["chunk"][0]["event_id"], json!(said));
    // What was said before is not the world's.
    assert!(messages["chunk"].as_array().expect("a chunk").len() <= 2, "{messages}");
}
