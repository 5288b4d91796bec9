//! Reading in a case: what is shown, in which order, and never without its access.

use std::sync::{Arc, atomic::Ordering};

use commands::{
    room::{MemberDetails, ban_user, join_room, send_event},
    user::set_profile_field,
};
use decide::room::NewEvent;
use event_log::{Scavenging, ShredRequest};
use facts::{
    Fact, KeyEpoch, LogPosition,
    fact::{KeyRange, ShredCause, StaffRecord},
};
use ruma::{EventId, OwnedRoomId};
use serde_json::{Value, json};

use crate::world::{World, user};

const SECRET: &str = "the original text";

async fn events(world: &World, case: u64) -> Vec<Value> {
    let page = world.get("ann", &format!("/cases/{case}/events?limit=1000")).await.ok();
    assert_eq!(page["done"], true);
    page["events"].as_array().unwrap().clone()
}

fn bodies(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|item| item["event"]["content"]["body"].as_str()).collect()
}

async fn redact(world: &World, room: &OwnedRoomId, by: &str, target: &EventId) {
    let content = NewEvent::content_of(&json!({})).unwrap();
    let mut event = NewEvent::message(user(by), "m.room.redaction", content);
    event.redacts = Some(target.to_owned());
    send_event(&world.ws, room, event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_shows_the_room_with_originals_edits_and_membership_in_order() {
    let world = World::new().await;
    let room = world.room("dan").await;
    join_room(&world.ws, &room, user("eve"), &MemberDetails::default()).await.unwrap();
    let first = world.say(&room, "dan", SECRET).await;
    let edit = json!({ "msgtype": "m.text", "body": "* mended", "m.new_content":
        { "msgtype": "m.text", "body": "mended" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": first.event_id } });
    world.send(&room, "dan", edit).await;
    redact(&world, &room, "dan", &first.event_id).await;
    let other = world.room("eve").await;
    world.say(&other, "eve", "elsewhere").await;

    let case = world.case(json!({ "rooms": [room] })).await;
    let found = events(&world, case).await;
    assert_eq!(bodies(&found), [SECRET, "* mended"]);
    let kinds: Vec<_> = found.iter().filter_map(|item| item["event"]["type"].as_str()).collect();
    for kind in ["m.room.create", "m.room.member", "m.room.power_levels", "m.room.redaction"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let original = found.iter().find(|item| item["event"]["content"]["body"] == SECRET).unwrap();
    let applied = found.iter().find(|item| item["kind"] == "redaction_applied").unwrap();
    assert_eq!(applied["target"], original["position"]);
    assert_eq!(original["event"]["room_id"], room.as_str());
    let text = Value::from(found.clone()).to_string();
    assert!(!text.contains("org.chancery.salt") && !text.contains("hashes"));
    let positions: Vec<_> = found.iter().map(|item| item["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted());

    // In pages of two it is the same, exactly once.
    let (mut paged, mut from, mut pages) = (Vec::new(), 0, 0);
    loop {
        let path = format!("/cases/{case}/events?limit=2&from={from}");
        let page = world.get("ben", &path).await.ok();
        paged.extend(page["events"].as_array().unwrap().iter().cloned());
        from = page["next"].as_u64().unwrap();
        pages += 1;
        assert!(pages < 100, "pages that do not end");
        if page["done"] == true {
            break;
        }
    }
    assert_eq!(paged, found);
    assert_eq!(pages, found.len().div_ceil(2));
    let accesses = world.get("otto", &format!("/cases/{case}/accesses?limit=1000")).await.ok();
    let accesses = accesses["accesses"].as_array().unwrap();
    assert_eq!(accesses.len(), 1 + pages);
    assert_eq!(accesses[0]["user"], "@ann:example.org");
    assert_eq!(accesses[1]["user"], "@ben:example.org");
    assert_eq!(accesses[0]["address"], "192.0.2.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_persons_takes_in_what_they_did_and_what_was_done_to_their_membership() {
    let world = World::new().await;
    let (one, two) = (world.room("dan").await, world.room("eve").await);
    let details = MemberDetails::default();
    join_room(&world.ws, &two, user("dan"), &details).await.unwrap();
    set_profile_field(&world.ws, &user("dan"), "displayname", Some(&json!("Dan"))).await.unwrap();
    world.say(&one, "dan", "in one").await;
    world.say(&two, "dan", "in two").await;
    world.say(&two, "eve", "not Dan").await;
    ban_user(&world.ws, &two, user("eve"), &user("dan"), &details).await.unwrap();

    let both = world.case(json!({ "users": [user("dan")] })).await;
    let found = events(&world, both).await;
    assert_eq!(bodies(&found), ["in one", "in two"]);
    let of = |found: &[Value], key: &str, value: &str| {
        found.iter().filter(|item| item["event"]["content"][key] == value).count()
    };
    assert_eq!(of(&found, "membership", "ban"), 1);
    assert!(found.iter().any(|item| item["kind"] == "profile" && item["value"] == "Dan"));
    let eves = found.iter().filter(|item| item["event"]["state_key"] == "@eve:example.org");
    assert_eq!(eves.count(), 0, "another person's membership");

    // Persons and rooms together: these persons in these rooms.
    let there = world.case(json!({ "users": [user("dan")], "rooms": [two] })).await;
    let found = events(&world, there).await;
    assert_eq!(bodies(&found), ["in two"]);
    assert_eq!(of(&found, "membership", "ban"), 1);
    assert!(found.iter().all(|item| item["room_id"] == two.as_str()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_dates_goes_by_received_time() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let mut times = Vec::new();
    for n in 0..5 {
        world.pass_days(1);
        times.push(world.now());
        world.say(&room, "dan", &n.to_string()).await;
    }
    let scope = json!({ "rooms": [room], "from": times[1], "until": times[3] });
    let case = world.case(scope).await;
    assert_eq!(bodies(&events(&world, case).await), ["1", "2"]);
    let scope = json!({ "rooms": [room], "from": times[4] });
    let case = world.case(scope).await;
    assert_eq!(bodies(&events(&world, case).await), ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_destroyed_content_the_redacted_form_is_shown() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let sent = world.say(&room, "dan", SECRET).await;
    let at = world.ws.core().event_position(sent.event_id.as_str()).unwrap().unwrap();
    let log = Arc::clone(&world.failing.log);
    tokio::task::spawn_blocking(move || {
        let header = log.read(at).unwrap().unwrap().header;
        let leaf = u32::try_from(header.revision.0).unwrap();
        let range = KeyRange {
            epoch_first: KeyEpoch(1),
            epoch_last: KeyEpoch(u32::MAX),
            tree: header.parts[1].stream_tree.0,
            leaf_first: leaf,
            leaf_last: leaf,
        };
        let request = ShredRequest {
            ranges: vec![range],
            cause: ShredCause::Retention,
            expects: Vec::new(),
            scavenging: Scavenging::Closed,
        };
        log.order_shred(request, |_| Vec::new()).unwrap();
    })
    .await
    .unwrap();
    let case = world.case(json!({ "rooms": [room] })).await;
    let found = events(&world, case).await;
    let gone = found.iter().find(|item| item["event_id"] == sent.event_id.as_str()).unwrap();
    assert_eq!(gone["content_destroyed"], true);
    assert_eq!(gone["event"]["content"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_a_fault_after_the_access_leaves_a_fact_and_no_byte() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.say(&room, "dan", SECRET).await;
    let case = world.case(json!({ "rooms": [room] })).await;
    let before = world.failing.log.head().next();
    let path = format!("/cases/{case}/events");

    world.failing.unreadable.store(true, Ordering::SeqCst);
    let answer = world.get("ann", &path).await;
    assert_eq!(answer.status.as_u16(), 500);
    assert!(!answer.text.contains(SECRET));
    let facts = world.facts(before);
    let accesses = facts.iter().filter(|(_, fact)| {
        matches!(fact, Fact::ContentAccessed(access)
        if access.case.0 == case && access.user == "@ann:example.org")
    });
    assert_eq!(accesses.count(), 1, "the access that served nothing is a fact: {facts:?}");
    world.failing.unreadable.store(false, Ordering::SeqCst);
    assert!(world.get("ann", &path).await.text.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_an_access_that_is_not_durable_opens_nothing() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.say(&room, "dan", SECRET).await;
    let case = world.case(json!({ "rooms": [room] })).await;
    world.failing.opened.store(0, Ordering::SeqCst);
    world.failing.disk_is_gone.store(true, Ordering::SeqCst);
    let answer = world.get("ann", &format!("/cases/{case}/events")).await;
    assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
    assert!(!answer.text.contains(SECRET));
    assert_eq!(world.failing.opened.load(Ordering::SeqCst), 0, "nothing was read");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_watch_the_staff_are_seen_too() {
    let world = World::new().await;
    let case = world.open_case(json!({ "users": [user("dan")] })).await;
    let before = world.failing.log.head().next();
    let paths = [
        "/roles".to_owned(),
        "/cases".to_owned(),
        format!("/cases/{case}"),
        format!("/cases/{case}/accesses"),
    ];
    for path in &paths {
        world.get("otto", path).await.ok();
    }
    world.get("eve", "/cases").await;
    let read: Vec<_> = world
        .facts(before)
        .into_iter()
        .filter_map(|(_, fact)| match fact {
            Fact::StaffRecordRead(read) => Some((read.user, read.record)),
            _ => None,
        })
        .collect();
    let case = LogPosition(case);
    let records = [
        StaffRecord::Roles,
        StaffRecord::Cases,
        StaffRecord::Case(case),
        StaffRecord::Accesses(case),
    ];
    assert_eq!(read, records.map(|record| ("@otto:example.org".to_owned(), record)));
}
