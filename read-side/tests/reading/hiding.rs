//! What policies hide is hidden on every route, before a run has destroyed anything.

use decide::policy::{Hold, HoldPart, Holds, InForce};
use facts::{
    LogPosition, StreamId, Timestamp,
    fact::{
        AccountDeactivated, MediaStored, Period, PolicyDocument, PolicyRule, ReceiptKind,
        ReceiptSet, RecordKind, ShredCause, ShredOrdered, ThreadScope,
    },
};
use projections::source::EntrySource as _;
use serde_json::{Value, json};

use crate::world::{NOW, World, refused};

/// A rule for records of some kinds.
fn rule(records: &[RecordKind], at_least: Option<u64>, at_most: Option<u64>) -> PolicyRule {
    PolicyRule {
        records: records.iter().copied().collect(),
        rooms: [].into(),
        users: [].into(),
        keep_at_least: at_least.map(Period),
        keep_at_most: at_most.map(Period),
        locked: false,
        reason: String::new(),
    }
}

fn in_force(rules: &[PolicyRule]) -> InForce {
    let names = ["one", "two", "three"].into_iter().map(str::to_owned);
    let policies = names.zip(rules.iter().cloned()).collect();
    let document = PolicyDocument { policies, ..PolicyDocument::default() };
    InForce { version: 1, document, ..InForce::default() }
}

/// The age, now, of what is recorded at the head: everything up to here is over under a ceiling of
/// so many milliseconds, and nothing that comes later is.
fn age(world: &World) -> u64 {
    let head = world.log.read(world.log.head()).expect("readable").expect("an entry");
    NOW - head.header.recorded_at.0
}

fn bodies(answer: &Value) -> Vec<String> {
    let chunk = answer["chunk"].as_array().expect("a chunk");
    let body = |event: &Value| event["content"]["body"].as_str().map(str::to_owned);
    chunk.iter().filter_map(body).collect()
}

/// What a client that comes anew sees of a room's timeline.
async fn synced(world: &World, room: usize) -> String {
    synced_by(world, "bob", room).await
}

async fn synced_by(world: &World, name: &str, room: usize) -> String {
    let sync = world.get(name, "/v3/sync?timeout=0").await.ok();
    sync["rooms"]["join"][world.id(room)].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_past_its_ceiling_is_shown_to_nobody() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let old = world.text(room, "alice", "what is over");
    let reply = world.related(room, "bob", "m.thread", &old);
    let ceiling = age(&world);
    let fresh = world.text(room, "alice", "what stays");
    let path = format!("/v3/rooms/{}", world.id(room));
    let all = format!("{path}/messages?dir=b&limit=50");
    assert_eq!(bodies(&world.get("bob", &all).await.ok()).len(), 3);

    world.rule(in_force(&[rule(&[RecordKind::Messages], None, Some(ceiling))]));
    assert_eq!(bodies(&world.get("bob", &all).await.ok()), ["what stays"]);
    let seen = synced(&world, room).await;
    assert!(seen.contains("what stays") && !seen.contains("what is over"), "{seen}");
    for hidden in [&old, &reply] {
        let event = world.get("bob", &format!("{path}/event/{hidden}")).await;
        assert_eq!(event.refusal(), refused(404, "M_NOT_FOUND"));
        let context = world.get("bob", &format!("{path}/context/{hidden}")).await;
        assert_eq!(context.refusal(), refused(404, "M_NOT_FOUND"));
    }
    let around = world.get("bob", &format!("{path}/context/{fresh}")).await.ok();
    assert!(!around.to_string().contains("what is over"), "{around}");
    let related = world.get("bob", &format!("{}/relations/{old}", path.replace("v3", "v1"))).await;
    assert!(!String::from_utf8_lossy(&related.bytes).contains("related"), "{related:?}");
    let threads = world.get("bob", &format!("{}/threads", path.replace("v3", "v1"))).await;
    assert!(!String::from_utf8_lossy(&threads.bytes).contains("what is over"), "{threads:?}");

    // A floor that is longer keeps it in sight; a hold does not bring it back.
    let floor = rule(&[RecordKind::Messages], Some(ceiling + 1_000), None);
    let brief = rule(&[RecordKind::Messages], None, Some(ceiling));
    world.rule(in_force(&[brief.clone(), floor]));
    assert_eq!(bodies(&world.get("bob", &all).await.ok()).len(), 3);
    let part = HoldPart { rooms: [world.id(room).to_owned()].into(), ..HoldPart::default() };
    let hold = Hold { matter: "m".to_owned(), parts: [(0, part)].into() };
    let holds = Holds::new([(LogPosition(1), hold)].into());
    world.rule(InForce { holds, ..in_force(&[brief]) });
    assert_eq!(bodies(&world.get("bob", &all).await.ok()), ["what stays"]);
}

/// Notifications of a room and of one of its threads, as a client that comes anew is told.
async fn unread(world: &World, name: &str, room: usize, thread_root: &str) -> (Value, Value) {
    let filter =
        "filter=%7B%22room%22:%7B%22timeline%22:%7B%22unread_thread_notifications%22:true%7D%7D%7D";
    let sync = world.get(name, &format!("/v3/sync?timeout=0&{filter}")).await.ok();
    let joined = &sync["rooms"]["join"][world.id(room)];
    let thread = &joined["unread_thread_notifications"][thread_root];
    (joined["unread_notifications"].clone(), thread["notification_count"].clone())
}

fn counts(notifications: u64, highlights: u64) -> Value {
    json!({ "notification_count": notifications, "highlight_count": highlights })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_unread_by_nobody() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let root = world.text(room, "alice", "over");
    world.related(room, "alice", "m.thread", &root);
    world.text(room, "bob", "his own");
    let mention = json!({ "msgtype": "m.text", "body": "bob", "m.mentions":
        { "user_ids": [crate::world::user_id("bob")] } });
    world.send(room, "alice", "m.room.message", None, mention.clone());
    let last = world.text(room, "alice", "the last of the room");
    let ceiling = age(&world);
    assert_eq!(unread(&world, "bob", room, &root).await, (counts(3, 1), json!(1)));

    let brief = || in_force(&[rule(&[RecordKind::Messages], None, Some(ceiling))]);
    world.rule(brief());
    assert_eq!(unread(&world, "bob", room, &root).await, (counts(0, 0), Value::Null));
    // A hold keeps it from being destroyed, and what is left after a run is its skeleton.
    let part = HoldPart { rooms: [world.id(room).to_owned()].into(), ..HoldPart::default() };
    let hold = Hold { matter: "m".to_owned(), parts: [(0, part)].into() };
    let holds = Holds::new([(LogPosition(1), hold)].into());
    world.rule(InForce { holds, ..brief() });
    assert_eq!(unread(&world, "bob", room, &root).await, (counts(0, 0), Value::Null));
    world.rule(brief());
    world.log.destroy_content(world.position_of(&last));
    assert_eq!(unread(&world, "bob", room, &root).await, (counts(0, 0), Value::Null));

    // What comes then counts, also beside what is hidden.
    world.text(room, "alice", "fresh");
    world.send(room, "alice", "m.room.message", None, mention);
    world.related(room, "alice", "m.thread", &root);
    world.text(room, "bob", "his own again");
    assert_eq!(unread(&world, "bob", room, &root).await, (counts(2, 1), json!(1)));
    // Under a ceiling that reaches nothing, and one for other kinds, all of it does.
    for rules in [
        rule(&[RecordKind::Messages], None, Some(ceiling + 1_000)),
        rule(&[RecordKind::Receipts], None, Some(1)),
    ] {
        world.rule(in_force(&[rules]));
        assert_eq!(unread(&world, "bob", room, &root).await, (counts(5, 2), json!(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_what_is_hidden_the_newest_thousand_count() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    world.text(room, "alice", "over");
    let ceiling = age(&world);
    for _ in 0..999 {
        world.text(room, "alice", "stays");
    }
    world.rule(in_force(&[rule(&[RecordKind::Messages], None, Some(ceiling))]));
    assert_eq!(unread(&world, "bob", room, "").await.0, counts(999, 0));
    for _ in 0..2 {
        world.text(room, "alice", "stays");
    }
    assert_eq!(unread(&world, "bob", room, "").await.0, counts(1_000, 0));
    // Where nothing of it is old enough, all of it does, at the price of two sums.
    world.rule(in_force(&[rule(&[RecordKind::Messages], None, Some(ceiling + 1))]));
    assert_eq!(unread(&world, "bob", room, "").await.0, counts(1_002, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_in_force_is_shown_and_replaced_state_is_redacted() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let replaced = world.state(room, "alice", "m.room.topic", json!({ "topic": "before" }));
    world.state(room, "alice", "m.room.topic", json!({ "topic": "now" }));
    let ceiling = age(&world);
    world.text(room, "alice", "later");
    world.rule(in_force(&[rule(&[RecordKind::State], None, Some(ceiling))]));
    let path = format!("/v3/rooms/{}", world.id(room));
    let topic = world.get("bob", &format!("{path}/state/m.room.topic")).await.ok();
    assert_eq!(topic, json!({ "topic": "now" }), "no ceiling reaches what is in force");
    let event = world.get("bob", &format!("{path}/event/{replaced}")).await.ok();
    assert_eq!(event["content"], json!({}), "{event}");
    let history = world.get("bob", &format!("{path}/messages?dir=b&limit=50")).await.ok();
    assert!(!history.to_string().contains("before"), "{history}");
    let seen = synced(&world, room).await;
    assert!(seen.contains("\"now\"") && !seen.contains("before"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn media_and_receipts_past_their_ceilings_are_not_found() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let said = world.text(room, "alice", "hello");
    let store = |id: &str| {
        let blob = format!("blob-{id}");
        world.own(
            "alice",
            MediaStored {
                media_id: id.to_owned(),
                blob: blob.clone(),
                blob_key: [1; 32],
                bytes: 4,
                sha256: [2; 32],
                content_type: None,
                file_name: None,
            },
        );
        world.blob(&blob, b"meow".to_vec());
    };
    store("old");
    world.own(
        "bob",
        ReceiptSet {
            room: world.id(room).to_owned(),
            event_id: said,
            kind: ReceiptKind::Read,
            thread: ThreadScope::Unthreaded,
            at: Timestamp(5),
        },
    );
    let ceiling = age(&world);
    store("fresh");
    world.rule(in_force(&[rule(&[RecordKind::Media, RecordKind::Receipts], None, Some(ceiling))]));
    let download =
        async |id: &str| world.get("alice", &format!("/v1/media/download/here.test/{id}")).await;
    assert_eq!(download("old").await.refusal(), refused(404, "M_NOT_FOUND"));
    assert_eq!(download("fresh").await.status.as_u16(), 200);
    let thumbnail = world.get("alice", "/v1/media/thumbnail/here.test/old?width=9&height=9").await;
    assert_eq!(thumbnail.refusal(), refused(404, "M_NOT_FOUND"));
    let seen = synced(&world, room).await;
    assert!(!seen.contains("m.read"), "{seen}");
    world.rule(InForce::default());
    assert!(synced(&world, room).await.contains("m.read"), "it is hidden, not gone");
    assert_eq!(download("old").await.status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_after_an_erasure_gets_the_redacted_form_of_what_was_said() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let said = world.text(room, "bob", "said by bob");
    let named = world.state(room, "alice", "m.room.name", json!({"name": "by alice"}));
    world.own("bob", AccountDeactivated { erase: true });
    world.member(room, "carol", "join");
    let path = format!("/v3/rooms/{}/event/{said}", world.id(room));
    let to_alice = world.get("alice", &path).await.ok();
    assert_eq!(to_alice["content"]["body"], "said by bob", "she was there");
    let to_carol = world.get("carol", &path).await.ok();
    assert_eq!((&to_carol["content"], &to_carol["sender"]), (&json!({}), &to_alice["sender"]));
    let timeline = synced_by(&world, "carol", room).await;
    assert!(!timeline.contains("said by bob") && timeline.contains(&said), "{timeline}");
    let messages = format!("/v3/rooms/{}/messages?dir=b", world.id(room));
    let messages = world.get("carol", &messages).await.ok();
    assert!(!messages.to_string().contains("said by bob"), "{messages}");
    let path = format!("/v3/rooms/{}/event/{named}", world.id(room));
    assert_eq!(world.get("carol", &path).await.ok()["content"]["name"], "by alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_form_does_not_tell_what_the_person_said_before() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    let bob = crate::world::user_id("bob");
    world.member(room, "bob", "join");
    let join = json!({"membership": "join", "displayname": "a name that bob had"});
    world.send(room, "bob", "m.room.member", Some(&bob), join);
    let leave = json!({"membership": "leave", "reason": "why bob left"});
    let left = world.send(room, "bob", "m.room.member", Some(&bob), leave);
    world.own("bob", AccountDeactivated { erase: true });
    world.member(room, "carol", "join");
    let room_id = world.id(room).to_owned();
    for path in [
        format!("/v3/rooms/{room_id}/event/{left}"),
        format!("/v3/rooms/{room_id}/members"),
        format!("/v3/rooms/{room_id}/state"),
        format!("/v3/rooms/{room_id}/state/m.room.member/{bob}"),
        format!("/v3/rooms/{room_id}/messages?dir=b"),
    ] {
        let told = world.get("carol", &path).await.ok().to_string();
        assert!(!told.contains("why bob left") && !told.contains("a name"), "{path}: {told}");
    }
    let path = format!("/v3/rooms/{room_id}/state/m.room.member/{bob}");
    assert_eq!(world.get("alice", &path).await.ok()["reason"], "why bob left", "she was there");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_of_an_erased_person_do_not_nest() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let root = world.text(room, "bob", "root");
    let mut chain = vec![root.clone()];
    for reply in 0..50 {
        chain.push(world.related(room, "bob", "m.thread", &chain[reply]));
    }
    // The view has the relations; what is destroyed does not tell them any more.
    let path = format!("/v3/rooms/{}/event/{root}", world.id(room));
    world.get("alice", &path).await.ok();
    world.own("bob", AccountDeactivated { erase: true });
    world.member(room, "carol", "join");
    for event in &chain {
        world.log.destroy_content(world.position_of(event));
    }
    let order = ShredOrdered { ranges: Vec::new(), cause: ShredCause::Erasure };
    world.log.append(vec![(StreamId(0).into(), order.into())]);
    let told = world.get("carol", &path).await.ok().to_string();
    assert!(told.matches("\"latest_event\"").count() <= 1, "{told}");
}
