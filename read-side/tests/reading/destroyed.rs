//! Messages of which only stubs are left are told on no route, also where no policy hides them and
//! the view still has the rows of what they said.

use decide::{
    pdu::stub_of,
    policy::{Erasure, Erasures, InForce},
};
use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{
        Act, ErasureEnd, ErasureEnded, ErasureRequested, MessagesStubbed, ShredCause, ShredOrdered,
    },
};
use projections::source::EntrySource as _;
use ruma::RoomId;
use serde_json::{Value, json};

use crate::world::{NOW, World, refused, user_id};

impl World {
    /// Erases a person as an officer's request and a run do, whose content these events are.
    fn erase(&self, name: &str, events: &[String]) {
        let own = |fact: Fact| self.log.append(vec![(StreamId(0).into(), fact)]);
        let by = Act { user: user_id("officer"), address: None, reason: "letter".to_owned() };
        let request = self.log.head().next();
        own(ErasureRequested { user: user_id(name), by }.into());
        for event in events {
            self.log.destroy_content(self.position_of(event));
        }
        own(ShredOrdered { ranges: Vec::new(), cause: ShredCause::Erasure }.into());
        let end = ErasureEnd::Executed { last_order: None, backups_gone_at: None };
        own(ErasureEnded { request, end, by: None }.into());
    }

    /// Destroys messages of a room as a run does.
    fn leave_stubs(&self, room: usize, events: &[&String]) {
        let id = RoomId::parse(self.id(room)).expect("a room id");
        let mut stubs = Vec::new();
        for event in events {
            let at = self.position_of(event);
            let entry = self.log.read(at).expect("readable").expect("an entry");
            let Some(Fact::PduStored(stored)) = entry.fact.as_deref() else {
                panic!("{event} is no event")
            };
            stubs.push(stub_of(&id, at, stored).expect("a message"));
        }
        let stubbed = MessagesStubbed { stubs: stubs.clone() };
        self.log.append(vec![(self.rooms[room].stream.into(), stubbed.into())]);
        for stub in stubs {
            self.log.leave_stub(stub);
        }
        let order = ShredOrdered { ranges: Vec::new(), cause: ShredCause::Retention };
        self.log.append(vec![(StreamId(0).into(), order.into())]);
    }
}

fn ids(chunk: &Value) -> Vec<&str> {
    let events = chunk.as_array().expect("a chunk").iter();
    events.map(|event| event["event_id"].as_str().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_thread_is_counted_and_told() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let root = world.text(room, "alice", "root");
    let replies: Vec<String> =
        (0..3).map(|_| world.related(room, "bob", "m.thread", &root)).collect();
    let reference = world.related(room, "alice", "m.reference", &root);
    let last = world.text(room, "alice", "last");
    let path = format!("/v3/rooms/{}", world.id(room));
    let event = format!("{path}/event/{root}");
    let relations = format!("/v1/rooms/{}/relations/{root}", world.id(room));
    let threads = format!("/v1/rooms/{}/threads", world.id(room));
    let before = world.get("bob", &event).await.ok();
    assert_eq!(before["unsigned"]["m.relations"]["m.thread"]["count"], 3);

    world.leave_stubs(room, &[&replies[0], &replies[1], &reference]);
    let seen = world.get("bob", &event).await.ok()["unsigned"]["m.relations"].clone();
    let thread = &seen["m.thread"];
    assert_eq!(
        (&thread["count"], &thread["latest_event"]["event_id"]),
        (&json!(1), &json!(replies[2]))
    );
    assert_eq!(seen.get("m.reference"), None, "{seen}");
    let related = world.get("bob", &relations).await.ok();
    assert_eq!(ids(&related["chunk"]), [&replies[2]]);
    for dir in ["b", "f"] {
        let page = world.get("bob", &format!("{path}/messages?dir={dir}&limit=50")).await.ok();
        let told = ids(&page["chunk"]).join(" ");
        assert!(
            told.contains(&last) && told.contains(&root) && !told.contains(&replies[0]),
            "{told}"
        );
    }
    for gone in [&replies[0], &reference] {
        for route in ["event", "context"] {
            let answer = world.get("bob", &format!("{path}/{route}/{gone}")).await;
            assert_eq!(answer.refusal(), refused(404, "M_NOT_FOUND"));
        }
    }
    assert_eq!(ids(&world.get("bob", &threads).await.ok()["chunk"]), [&root]);

    world.leave_stubs(room, &[&replies[2]]);
    assert_eq!(world.get("bob", &event).await.ok()["unsigned"].get("m.relations"), None);
    assert_eq!(world.get("bob", &threads).await.ok()["chunk"], json!([]));
    let sync = world.get("bob", "/v3/sync?timeout=0").await.ok();
    let timeline = &sync["rooms"]["join"][world.id(room)]["timeline"];
    let told = ids(&timeline["events"]);
    assert!(told.ends_with(&[&root, &last]), "{told:?}");
}

/// An edit that may hold its new content where only clients find it.
fn encrypted(relates_to: &Value) -> Value {
    json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "m.relates_to": relates_to})
}

/// What a thread's root and an edited message have of relations, as bob is told.
async fn told(world: &World, room: usize, root: &str, edited: &str) -> Value {
    let mut told = Vec::new();
    for parent in [root, edited] {
        let event = format!("/v3/rooms/{}/event/{parent}", world.id(room));
        told.push(world.get("bob", &event).await.ok()["unsigned"]["m.relations"].clone());
        for query in ["", "&recurse=true"] {
            let path = format!("/v1/rooms/{}/relations/{parent}?limit=50{query}", world.id(room));
            let page = world.get("bob", &path).await.ok();
            told.push(json!(ids(&page["chunk"])));
        }
    }
    Value::Array(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erased_person_related_is_told_by_no_view() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let root = world.text(room, "bob", "root");
    let first = world.related(room, "alice", "m.thread", &root);
    let kept = world.related(room, "bob", "m.thread", &root);
    let reaction = json!({"m.relates_to":
        {"rel_type": "m.annotation", "event_id": root, "key": "+"}});
    let reaction = world.send(room, "alice", "m.reaction", None, reaction);
    let reference = world.related(room, "alice", "m.reference", &root);
    let under = world.related(room, "bob", "m.reference", &first);
    let edited = world.send(room, "alice", "m.room.encrypted", None, encrypted(&Value::Null));
    let edit = encrypted(&json!({"rel_type": "m.replace", "event_id": edited}));
    let edit = world.send(room, "alice", "m.room.encrypted", None, edit);
    let last = world.related(room, "alice", "m.thread", &root);
    let before = told(&world, room, &root, &edited).await;
    assert_eq!(before[0]["m.thread"]["count"], 3);
    assert_eq!(before[1], json!([last, reference, reaction, kept, first]));
    assert_eq!(before[2], json!([last, under, reference, reaction, kept, first]));
    assert_eq!((&before[3]["m.replace"]["event_id"], &before[4]), (&json!(edit), &json!([edit])));

    // While the request waits, and when a run has destroyed the content.
    let request = Erasure { request: LogPosition(1), at: Timestamp(NOW) };
    let erasures = Erasures::new([(user_id("alice"), request)]);
    world.rule(InForce { erasures, ..InForce::default() });
    let hidden = told(&world, room, &root, &edited).await;
    world.rule(InForce::default());
    assert_eq!(told(&world, room, &root, &edited).await, before);
    world.erase("alice", &[first, reaction, reference, edited.clone(), edit, last]);
    let lived = told(&world, room, &root, &edited).await;
    let world = world.rebuilt();
    for (when, told) in [
        ("hidden", hidden),
        ("lived", lived),
        ("rebuilt", told(&world, room, &root, &edited).await),
    ] {
        let thread = &told[0]["m.thread"];
        assert_eq!(thread["count"], 1, "{when}: {told}");
        assert_eq!(thread["latest_event"]["event_id"], json!(kept), "{when}");
        assert_eq!(told[0].as_object().map(serde_json::Map::len), Some(1), "{when}: {told}");
        assert_eq!((&told[1], &told[2]), (&json!([kept]), &json!([kept])), "{when}");
        assert_eq!((&told[3], &told[4]), (&Value::Null, &json!([])), "{when}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_reply_of_which_the_skeleton_is_left_is_told_by_no_view() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let root = world.text(room, "alice", "root");
    let kept = world.related(room, "bob", "m.thread", &root);
    let last = world.related(room, "alice", "m.thread", &root);
    assert_eq!(told(&world, room, &root, &root).await[0]["m.thread"]["count"], 2);
    // A run of a policy that is not in force any more.
    world.log.destroy_content(world.position_of(&last));
    let order = ShredOrdered { ranges: Vec::new(), cause: ShredCause::Retention };
    world.log.append(vec![(StreamId(0).into(), order.into())]);
    let lived = told(&world, room, &root, &root).await;
    let world = world.rebuilt();
    for told in [lived, told(&world, room, &root, &root).await] {
        assert_eq!((&told[0]["m.thread"]["count"], &told[1]), (&json!(1), &json!([kept])));
    }
}
