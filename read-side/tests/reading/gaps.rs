//! History that is not all here: walks ask for it, boundedly, and go on without it.

use facts::fact::TimelinePlace;
use read_side::{Backfill, HistoryGap, NoRemote, Remote};
use serde_json::Value;

use crate::world::{World, refused};

fn ids(answer: &Value, part: &str) -> Vec<String> {
    let chunk = answer[part].as_array().expect("a list of events");
    chunk.iter().map(|event| event["event_id"].as_str().expect("an id").to_owned()).collect()
}

/// A room of alice: `$event1`, `$event2`, then a gap where `$lost` is missing, then the two texts.
fn torn() -> (World, usize, [String; 2]) {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.lose_one(room, "$lost");
    let first = world.text(room, "alice", "after the gap");
    let second = world.text(room, "alice", "newest");
    (world, room, [first, second])
}

#[tokio::test]
async fn without_other_servers_nothing_is_available() {
    let (world, room, _) = torn();
    let gap = HistoryGap {
        room: world.rooms[room].stream,
        room_id: world.id(room).to_owned(),
        place: TimelinePlace(0, 2),
        missing: vec!["$lost".to_owned()],
    };
    assert_eq!(NoRemote.backfill(gap).await, Backfill::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_asked_for_once_and_stepped_over() {
    let (world, room, [first, second]) = torn();
    let path = format!("/v3/rooms/{}/messages", world.id(room));
    let back = world.get("alice", &format!("{path}?dir=b")).await.ok();
    assert_eq!(ids(&back, "chunk"), [second.as_str(), &first, "$event2", "$event1"]);
    assert_eq!(world.remote.asked(), [["$lost"]]);
    let there = world.get("alice", &format!("{path}?dir=f")).await.ok();
    assert_eq!(ids(&there, "chunk"), ["$event1", "$event2", &first, &second]);
    assert_eq!(world.remote.asked(), [["$lost"]]);
    // Where the page ends before the gap, there is no need of what lies behind it.
    let short = world.get("alice", &format!("{path}?dir=b&limit=2")).await.ok();
    assert_eq!(ids(&short, "chunk"), [second, first]);
    assert!(world.remote.asked().is_empty());
    let next = format!("{path}?dir=b&from={}", short["end"].as_str().expect("more lies behind"));
    let rest = world.get("alice", &next).await.ok();
    assert_eq!(ids(&rest, "chunk"), ["$event2", "$event1"]);
    assert!(rest.get("end").is_none(), "{rest}");
    assert_eq!(world.remote.asked(), [["$lost"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_in_the_same_answer_and_the_gap_before_it_is_asked_for_too() {
    let (world, room, [first, second]) = torn();
    world.remote.has("$lost", "alice", "$older", TimelinePlace(-1, 1));
    world.remote.has("$older", "alice", "$oldest", TimelinePlace(-1, 0));
    let path = format!("/v3/rooms/{}/messages?dir=b", world.id(room));
    let back = world.get("alice", &path).await.ok();
    assert_eq!(
        ids(&back, "chunk"),
        [second.as_str(), &first, "$event2", "$event1", "$lost", "$older"]
    );
    assert_eq!(world.remote.asked(), [["$lost"], ["$older"], ["$oldest"]]);
    // The oldest gap is still open: there may be more another time.
    let next = format!("{path}&from={}", back["end"].as_str().expect("history is not whole"));
    let rest = world.get("alice", &next).await.ok();
    assert_eq!((ids(&rest, "chunk").len(), rest.get("end")), (0, None), "{rest}");
    assert_eq!(world.remote.asked(), [["$oldest"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_asks_for_a_bounded_number_of_gaps() {
    let (world, room, _) = torn();
    let mut id = "$lost".to_owned();
    for older in 0..10 {
        let prev = format!("$older{older}");
        world.remote.has(&id, "alice", &prev, TimelinePlace(-1, -older));
        id = prev;
    }
    let path = format!("/v3/rooms/{}/messages?dir=b&limit=100", world.id(room));
    world.get("alice", &path).await.ok();
    assert_eq!(world.remote.asked(), [["$lost"], ["$older0"], ["$older1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn context_asks_too() {
    let (world, room, [first, _]) = torn();
    world.remote.has("$lost", "alice", "$event2", TimelinePlace(-1, 0));
    let path = format!("/v3/rooms/{}/context/{first}", world.id(room));
    let context = world.get("alice", &path).await.ok();
    assert_eq!(ids(&context, "events_before"), ["$event2", "$event1", "$lost"]);
    assert_eq!(world.remote.asked(), [["$lost"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_send_nobody_searching() {
    let (world, room, _) = torn();
    let path = format!("/v3/rooms/{}/messages?dir=b", world.id(room));
    assert_eq!(world.get("bob", &path).await.refusal(), refused(403, "M_FORBIDDEN"));
    assert!(world.remote.asked().is_empty());
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nobody_for_long() {
    let (world, room, [first, second]) = torn();
    let path = format!("/v3/rooms/{}/messages?dir=b", world.id(room));
    // The view follows in real time; from then on only the request waits.
    world.get("alice", &path).await.ok();
    world.remote.fall_silent();
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let back = world.get("alice", &path).await.ok();
    assert_eq!(ids(&back, "chunk"), [second.as_str(), &first, "$event2", "$event1"]);
    assert_eq!(begun.elapsed().as_secs(), 10);
}
