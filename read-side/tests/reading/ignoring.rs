//! Ignored users: their events reach the reader nowhere, but for state.

use facts::fact::AccountDataSet;
use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

/// bob ignores carol, who is in the room of alice with him.
fn unloved() -> (World, usize) {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    world.member(room, "carol", "join");
    world.ignore("bob", "carol");
    (world, room)
}

impl World {
    fn ignore(&self, who: &str, whom: &str) {
        let list = json!({"ignored_users": {user_id(whom): {}}});
        let set = AccountDataSet {
            room: None,
            data_type: "m.ignored_user_list".to_owned(),
            content: Some(list.to_string().into_bytes()),
        };
        self.own(who, set);
    }
}

fn ids(events: &Value) -> Vec<&str> {
    let events = events.as_array().expect("events");
    events.iter().map(|event| event["event_id"].as_str().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn their_messages_are_told_nowhere_and_their_state_everywhere() {
    let (mut world, room) = unloved();
    let said = world.text(room, "carol", "unheard");
    let named = world.state(room, "carol", "m.room.name", json!({"name": "by carol"}));
    let heard = world.text(room, "alice", "heard");
    let id = world.id(room);
    let sync = world.get("bob", "/v3/sync").await.ok();
    let timeline = ids(&sync["rooms"]["join"][id]["timeline"]["events"]);
    assert_eq!(timeline[timeline.len() - 2..], [named.as_str(), &heard]);
    let messages = world.get("bob", &format!("/v3/rooms/{id}/messages?dir=b&limit=3")).await.ok();
    assert_eq!(ids(&messages["chunk"])[..2], [heard.as_str(), &named]);
    let context = world.get("bob", &format!("/v3/rooms/{id}/context/{named}")).await.ok();
    assert!(!ids(&context["events_before"]).contains(&said.as_str()), "{context}");
    for path in ["event", "context"] {
        let path = format!("/v3/rooms/{id}/{path}/{said}");
        assert_eq!(world.get("bob", &path).await.refusal(), refused(404, "M_NOT_FOUND"));
        world.get("alice", &path).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_count_in_no_aggregation() {
    let (mut world, room) = unloved();
    let root = world.text(room, "alice", "root");
    let reply = world.related(room, "alice", "m.thread", &root);
    world.related(room, "carol", "m.thread", &root);
    world.related(room, "carol", "m.reference", &root);
    let theirs = world.text(room, "carol", "root");
    let answer = world.related(room, "alice", "m.thread", &theirs);
    let lonely = world.text(room, "alice", "root");
    world.related(room, "carol", "m.thread", &lonely);
    let id = world.id(room);
    let event = world.get("bob", &format!("/v3/rooms/{id}/event/{root}")).await.ok();
    let bundle = &event["unsigned"]["m.relations"];
    assert_eq!(bundle["m.thread"]["count"], 1);
    assert_eq!(bundle["m.thread"]["latest_event"]["event_id"], json!(reply));
    assert!(bundle.get("m.reference").is_none(), "{bundle}");
    let relations = world.get("bob", &format!("/v1/rooms/{id}/relations/{root}")).await.ok();
    assert_eq!(ids(&relations["chunk"]), [reply]);
    // A thread of theirs hangs from a redacted root; one with replies of theirs alone is none.
    let threads = world.get("bob", &format!("/v1/rooms/{id}/threads")).await.ok();
    assert_eq!(ids(&threads["chunk"]), [theirs.as_str(), &root]);
    assert_eq!(threads["chunk"][0]["content"], json!({}));
    let summary = &threads["chunk"][0]["unsigned"]["m.relations"]["m.thread"];
    assert_eq!(summary["latest_event"]["event_id"], json!(answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn their_invites_are_not_told() {
    let (mut world, _) = unloved();
    for (creator, told) in [("carol", false), ("alice", true)] {
        let room = world.room(creator);
        let since = world.get("bob", "/v3/sync").await.ok()["next_batch"].clone();
        let since = since.as_str().expect("a token").to_owned();
        let invite = json!({"membership": "invite"});
        world.send(room, creator, "m.room.member", Some(&user_id("bob")), invite);
        for path in ["/v3/sync".to_owned(), format!("/v3/sync?since={since}")] {
            let sync = world.get("bob", &path).await.ok();
            assert_eq!(sync["rooms"]["invite"].get(world.id(room)).is_some(), told, "{creator}");
        }
    }
}
