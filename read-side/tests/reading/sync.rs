//! `/sync`: forms of events, and what is looked at and told.

use std::fmt::Write as _;

use facts::fact::InviteStateStored;
use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

fn escaped(filter: &Value) -> String {
    filter.to_string().bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect("strings grow");
        text
    })
}

async fn token(world: &World, who: &str) -> String {
    let sync = world.get(who, "/v3/sync").await.ok();
    sync["next_batch"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_names_fields_and_the_form_of_events() {
    let mut world = World::with(&["alice"]);
    let room = world.room("alice");
    let said = world.text(room, "alice", "said");
    let last = |sync: &Value| -> Value {
        let events = sync["rooms"]["join"][world.id(room)]["timeline"]["events"].as_array();
        events.and_then(|events| events.last()).expect("an event").clone()
    };
    let fields = json!({"event_fields": ["type", "content.body"]});
    let sync = world.get("alice", &format!("/v3/sync?filter={}", escaped(&fields))).await.ok();
    assert_eq!(
        last(&sync),
        json!({"event_id": said, "type": "m.room.message", "content": {"body": "said"}})
    );
    let raw = json!({"event_format": "federation"});
    let sync = world.get("alice", &format!("/v3/sync?filter={}", escaped(&raw))).await.ok();
    let event = last(&sync);
    assert_eq!(event["room_id"], json!(world.id(room)));
    for field in ["hashes", "auth_events", "prev_events", "depth", "unsigned"] {
        assert!(event.get(field).is_some(), "{field} of {event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_taken_or_refused() {
    let world = World::with(&["alice"]);
    for fine in ["set_presence=offline", "set_presence=unavailable", "timeout=0", "full_state=true"]
    {
        world.get("alice", &format!("/v3/sync?{fine}")).await.ok();
    }
    for bad in ["set_presence=asleep", "timeout=-1", "timeout=soon", "full_state=7", "since=x"] {
        let answer = world.get("alice", &format!("/v3/sync?{bad}")).await;
        assert_eq!(answer.refusal(), refused(400, "M_INVALID_PARAM"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_state_tells_all_state_and_a_timeline_of_what_is_new() {
    let mut world = World::with(&["alice"]);
    let room = world.room("alice");
    let quiet = world.room("alice");
    let since = token(&world, "alice").await;
    let said = world.text(room, "alice", "said");
    let path = format!("/v3/sync?since={since}&full_state=true&timeout=60000");
    let sync = world.get("alice", &path).await.ok();
    let joined = &sync["rooms"]["join"];
    let events = joined[world.id(room)]["timeline"]["events"].as_array().expect("events");
    assert_eq!((events.len(), &events[0]["event_id"]), (1, &json!(said)));
    for room in [room, quiet] {
        let state = joined[world.id(room)]["state"]["events"].as_array().expect("state");
        assert_eq!(state.len(), 2, "{joined}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_nothing_still_says_where_to_page_from() {
    let mut world = World::with(&["alice"]);
    let room = world.room("alice");
    let since = token(&world, "alice").await;
    let said = world.text(room, "alice", "said");
    let none = escaped(&json!({"room": {"timeline": {"limit": 0}}}));
    let sync = world.get("alice", &format!("/v3/sync?since={since}&filter={none}")).await.ok();
    let id = world.id(room);
    let timeline = &sync["rooms"]["join"][id]["timeline"];
    assert_eq!((&timeline["events"], &timeline["limited"]), (&json!([]), &json!(true)));
    let prev = timeline["prev_batch"].as_str().expect("a token");
    let path = format!("/v3/rooms/{id}/messages?dir=b&limit=LIMIT&from={prev}");
    let page = world.get("alice", &path.replace("LIMIT", "1")).await.ok();
    assert_eq!(page["chunk"][0]["event_id"], json!(said));
    let nothing = world.get("alice", &path.replace("LIMIT", "0")).await.ok();
    assert_eq!((&nothing["chunk"], &nothing["end"]), (&json!([]), &json!(prev)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_told_when_members_changed() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let id = world.id(room).to_owned();
    let since = token(&world, "alice").await;
    world.text(room, "alice", "said");
    let sync = world.get("alice", &format!("/v3/sync?since={since}")).await.ok();
    assert!(sync["rooms"]["join"][&id].get("summary").is_none(), "{sync}");
    let since = sync["next_batch"].as_str().expect("a token").to_owned();
    world.member(room, "bob", "join");
    let sync = world.get("alice", &format!("/v3/sync?since={since}")).await.ok();
    let summary = &sync["rooms"]["join"][&id]["summary"];
    assert_eq!(summary["m.heroes"], json!([user_id("bob")]));
    assert_eq!(summary["m.joined_member_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn much_that_moved_elsewhere_hides_nothing_here() {
    let mut world = World::with(&["alice", "bob"]);
    let (own, other) = (world.room("alice"), world.room("bob"));
    let since = token(&world, "alice").await;
    let said = world.text(own, "alice", "said");
    // More than what an answer reads of movements before it looks at rooms one by one.
    for _ in 0..300 {
        world.text(other, "bob", "elsewhere");
    }
    let sync = world.get("alice", &format!("/v3/sync?since={since}")).await.ok();
    let rooms = sync["rooms"]["join"].as_object().expect("rooms");
    assert_eq!(rooms.keys().collect::<Vec<_>>(), [world.id(own)]);
    let event = &rooms[world.id(own)]["timeline"]["events"][0]["event_id"];
    assert_eq!(event, &json!(said));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_brings_its_own_event_and_one_after_another_is_told() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let id = world.id(room).to_owned();
    let invite = |reason: &str| json!({"membership": "invite", "reason": reason});
    let bob = user_id("bob");
    world.send(room, "alice", "m.room.member", Some(&bob), invite("first"));
    let stripped = json!({"type": "m.room.name", "state_key": "", "sender": user_id("alice"),
        "content": {"name": "from elsewhere"}});
    let state = InviteStateStored {
        room: id.clone(),
        events: vec![stripped.to_string().into_bytes().into()],
    };
    world.own("bob", state);
    let of = |sync: &Value| sync["rooms"]["invite"][&id]["invite_state"]["events"].clone();
    let sync = world.get("bob", "/v3/sync").await.ok();
    let told = of(&sync);
    assert_eq!(told[0]["content"]["name"], "from elsewhere");
    assert_eq!(
        (&told[1]["state_key"], &told[1]["content"]["reason"]),
        (&json!(bob), &json!("first"))
    );
    let since = sync["next_batch"].as_str().expect("a token").to_owned();
    let quiet = world.get("bob", &format!("/v3/sync?since={since}")).await.ok();
    assert!(quiet["rooms"].get("invite").is_none(), "{quiet}");
    world.send(room, "alice", "m.room.member", Some(&bob), invite("second"));
    let again = world.get("bob", &format!("/v3/sync?since={since}")).await.ok();
    assert_eq!(of(&again)[1]["content"]["reason"], "second", "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_time_are_refused_where_there_is_no_other_answer() {
    let mut world = World::with(&["alice"]);
    let room = world.room("alice");
    let since = token(&world, "alice").await;
    let foreign = since.replacen("s09", "s0a", 1);
    let id = world.id(room);
    for path in [
        format!("/v3/rooms/{id}/messages?dir=b&from="),
        format!("/v3/rooms/{id}/members?at="),
        format!("/v1/rooms/{id}/relations/$event1?from="),
        "/v3/keys/changes?to=TO&from=".replace("TO", &since),
    ] {
        world.get("alice", &format!("{path}{since}")).await.ok();
        let answer = world.get("alice", &format!("{path}{foreign}")).await;
        assert_eq!(answer.refusal(), refused(400, "M_INVALID_PARAM"), "{path}");
    }
    // A sync has one: it begins anew.
    let sync = world.get("alice", &format!("/v3/sync?since={foreign}")).await.ok();
    assert!(sync["rooms"]["join"].get(id).is_some(), "{sync}");
}
