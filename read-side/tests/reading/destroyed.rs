//! Messages of which only stubs are left are told on no route, also where no policy hides them and
//! the view still has the rows of what they said.

use decide::pdu::stub_of;
use facts::{
    Fact, StreamId,
    fact::{MessagesStubbed, ShredCause, ShredOrdered},
};
use projections::source::EntrySource as _;
use ruma::RoomId;
use serde_json::{Value, json};

use crate::world::{World, refused};

impl World {
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
