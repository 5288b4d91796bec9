//! Bundled aggregations: which children count, for whom, and where they are bundled.

use serde_json::{Value, json};

use crate::world::{World, user_id};

fn edit_of(parent: &str, body: &str) -> Value {
    json!({"msgtype": "m.text", "body": "* edited",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": parent}})
}

impl World {
    fn edit(&mut self, room: usize, name: &str, parent: &str, body: &str) -> String {
        self.send(room, name, "m.room.message", None, edit_of(parent, body))
    }

    /// `m.relations` of an event, as somebody sees it.
    async fn bundle(&self, who: &str, room: usize, event: &str) -> Value {
        let path = format!("/v3/rooms/{}/event/{event}", self.id(room));
        self.get(who, &path).await.ok()["unsigned"]["m.relations"].clone()
    }
}

fn room_of_two() -> (World, usize) {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    (world, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_valid_edits_are_bundled_and_the_newest_of_them() {
    let (mut world, room) = room_of_two();
    let said = world.text(room, "alice", "said");
    assert_eq!(world.bundle("bob", room, &said).await, Value::Null);
    let first = world.edit(room, "alice", &said, "first");
    let second = world.edit(room, "alice", &said, "second");
    world.edit(room, "bob", &said, "not the sender");
    world.related(room, "alice", "m.replace", &said); // without new content
    world.send(room, "alice", "m.sticker", None, edit_of(&said, "another type"));
    let bundle = world.bundle("bob", room, &said).await;
    let edit = &bundle["m.replace"];
    assert_eq!(
        (&edit["event_id"], &edit["room_id"], &edit["content"]["m.new_content"]["body"]),
        (&json!(second), &json!(world.id(room)), &json!("second"))
    );
    assert!(edit["unsigned"]["age"].is_u64() && edit["unsigned"].get("m.relations").is_none());
    world.redact(room, "alice", &second);
    let bundle = world.bundle("bob", room, &said).await;
    assert_eq!(bundle["m.replace"]["event_id"], json!(first));
    // What edits an edit counts for nothing.
    world.edit(room, "alice", &first, "of an edit");
    assert_eq!(world.bundle("bob", room, &first).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_edits_hide_their_new_content() {
    let (mut world, room) = room_of_two();
    let secret = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"});
    let said = world.send(room, "alice", "m.room.encrypted", None, secret.clone());
    let mut edit = secret;
    edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": said});
    let edit = world.send(room, "alice", "m.room.encrypted", None, edit);
    assert_eq!(world.bundle("bob", room, &said).await["m.replace"]["event_id"], json!(edit));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_event_keeps_its_thread_but_no_edit() {
    let (mut world, room) = room_of_two();
    let said = world.text(room, "alice", "said");
    world.edit(room, "alice", &said, "edited");
    let reply = world.related(room, "bob", "m.thread", &said);
    world.redact(room, "alice", &said);
    let bundle = world.bundle("bob", room, &said).await;
    assert!(bundle.get("m.replace").is_none(), "{bundle}");
    assert_eq!(bundle["m.thread"]["latest_event"]["event_id"], json!(reply));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_of_what_one_may_see() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    let history = json!({"history_visibility": "joined"});
    world.state(room, "alice", "m.room.history_visibility", history);
    let root = world.text(room, "alice", "root");
    let unseen = world.related(room, "alice", "m.thread", &root);
    world.member(room, "bob", "join");
    let said = world.text(room, "alice", "said");
    let seen = world.related(room, "alice", "m.reference", &said);
    let kept = world.edit(room, "alice", &said, "while bob is here");
    let reply = world.related(room, "alice", "m.thread", &said);
    world.member(room, "bob", "leave");
    world.related(room, "alice", "m.reference", &said);
    world.edit(room, "alice", &said, "after bob left");
    let late = world.related(room, "alice", "m.thread", &said);

    let of_bob = world.bundle("bob", room, &said).await;
    assert_eq!(of_bob["m.replace"]["event_id"], json!(kept));
    assert_eq!(of_bob["m.reference"], json!({"chunk": [{"event_id": seen}]}));
    assert_eq!(of_bob["m.thread"]["latest_event"]["event_id"], json!(reply));
    assert_eq!(of_bob["m.thread"]["count"], 1);
    let of_alice = world.bundle("alice", room, &said).await;
    assert_eq!(of_alice["m.thread"]["latest_event"]["event_id"], json!(late));
    assert_eq!(
        (&of_alice["m.thread"]["count"], of_alice["m.reference"]["chunk"][1].is_null()),
        (&json!(2), false)
    );
    let threads = format!("/v1/rooms/{}/threads", world.id(room));
    let of_bob = world.get("bob", &threads).await.ok();
    let roots: Vec<_> = of_bob["chunk"].as_array().expect("a chunk").iter().collect();
    assert_eq!(roots.len(), 1, "{unseen} and its root are from before bob");
    assert_eq!(roots[0]["event_id"], json!(said));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_long_thread_is_told_with_its_own_edit() {
    let (mut world, room) = room_of_two();
    let root = world.text(room, "alice", "root");
    for _ in 0..1_100 {
        world.related(room, "alice", "m.thread", &root);
    }
    let last = world.related(room, "alice", "m.thread", &root);
    let edit = world.edit(room, "alice", &last, "edited");
    // Nothing hangs from an event that is in a thread itself.
    world.related(room, "alice", "m.thread", &last);
    let thread = &world.bundle("bob", room, &root).await["m.thread"];
    let latest = &thread["latest_event"];
    assert_eq!((&thread["count"], &latest["event_id"]), (&json!(1_101), &json!(last)));
    assert_eq!(thread["current_user_participated"], json!(false));
    let relations = &latest["unsigned"]["m.relations"];
    assert_eq!(relations["m.replace"]["event_id"], json!(edit));
    assert!(relations.get("m.thread").is_none(), "{relations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_bundles_where_the_timeline_is_limited() {
    let (mut world, room) = room_of_two();
    let said = world.text(room, "alice", "said");
    let edit = world.edit(room, "alice", &said, "edited");
    let filter = "filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:LIMIT%7D%7D%7D";
    for (limit, bundled) in [("2", json!(edit)), ("50", Value::Null)] {
        let path = format!("/v3/sync?{}", filter.replace("LIMIT", limit));
        let sync = world.get("bob", &path).await.ok();
        let timeline = &sync["rooms"]["join"][world.id(room)]["timeline"];
        assert_eq!(timeline["limited"], json!(bundled != Value::Null));
        let events = timeline["events"].as_array().expect("events");
        let told = events.iter().find(|event| event["event_id"] == json!(said)).expect("told");
        assert_eq!(told["unsigned"]["m.relations"]["m.replace"]["event_id"], bundled);
        assert_eq!(told["sender"], json!(user_id("alice")));
    }
}
