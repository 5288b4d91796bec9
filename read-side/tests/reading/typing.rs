//! Typing: told to the room by `/sync`, refused to others.

use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

fn typists(sync: &Value, room: &str) -> Value {
    let events = sync["rooms"]["join"][room]["ephemeral"]["events"].as_array();
    let event = events.into_iter().flatten().find(|event| event["type"] == "m.typing");
    event.map_or(Value::Null, |event| event["content"]["user_ids"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_sync_hears_of_typing() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let id = world.id(room).to_owned();
    let since = world.get("bob", "/v3/sync").await.ok()["next_batch"].clone();
    let since = since.as_str().expect("a token");
    let typing = format!("/v3/rooms/{id}/typing/{}", user_id("alice"));
    let yes = json!({"typing": true, "timeout": 30_000});
    let waiting = format!("/v3/sync?since={since}&timeout=5000");
    let (heard, told) = tokio::join!(world.get("bob", &waiting), world.put("alice", &typing, yes));
    assert_eq!(told.ok(), json!({}));
    let heard = heard.ok();
    assert_eq!(typists(&heard, &id), json!([user_id("alice")]), "{heard}");
    let since = heard["next_batch"].as_str().expect("a token");
    world.put("alice", &typing, json!({"typing": false})).await.ok();
    let heard = world.get("bob", &format!("/v3/sync?since={since}&timeout=5000")).await.ok();
    assert_eq!(typists(&heard, &id), json!([]), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_types_for_others_or_from_outside() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let id = world.id(room).to_owned();
    let yes = json!({"typing": true, "timeout": 30_000});
    for who in ["alice", "bob"] {
        let path = format!("/v3/rooms/{id}/typing/{}", user_id(who));
        let answer = world.put("bob", &path, yes.clone()).await;
        assert_eq!(answer.refusal(), refused(403, "M_FORBIDDEN"), "{who}");
    }
}
