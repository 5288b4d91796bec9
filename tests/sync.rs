//! `/sync`, version 3: what is shown, once, in order, to whom, and in which dialect.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use anyhow::{Context, Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    timeline::{self, Timeline},
    two_in_a_room,
};
use serde_json::{Value, json};

fn filter(filter: &Value) -> String {
    format!("&filter={}", encode(&filter.to_string()))
}

/// Events of a list of one joined room: `state`, `state_after`, `ephemeral`.
fn list<'a>(sync: &'a Value, room: &str, name: &str) -> &'a [Value] {
    let events = sync["rooms"]["join"][room][name]["events"].as_array();
    events.map(Vec::as_slice).unwrap_or_default()
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

fn bodies(sync: &Value, membership: &str, room: &str) -> Vec<String> {
    timeline::bodies(timeline::timeline_of(sync, membership, room))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_said_and_can_be_filled_without_a_seam() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    let mut seen = Timeline::default();
    let sync = bob.sync(0).await?;
    seen.take(&bob, &sync).await?;
    let small = filter(&json!({ "room": { "timeline": { "limit": 5 } } }));
    let mut expected = Vec::new();
    for round in 0..3 {
        // Below, at and above the limit.
        for number in 0..[3, 5, 23][round] {
            let body = format!("{round}.{number}");
            alice.send_text(&room, &body).await?;
            expected.push(body);
        }
        let sync = bob.sync_with(0, &small).await?;
        let limited = &sync["rooms"]["join"][&room]["timeline"]["limited"];
        ensure!((*limited == true) == (round == 2), "round {round}: {sync}");
        ensure!(timeline::timeline_of(&sync, "join", &room).len() <= 5, "{sync}");
        seen.take(&bob, &sync).await?;
        ensure!(seen.bodies(&room) == expected, "round {round}: {:?}", seen.bodies(&room));
    }
    let quiet = bob.sync_with(0, &small).await?;
    ensure!(quiet["rooms"]["join"].get(&room).is_none(), "nothing moved: {quiet}");
    server.finish().await
}

/// State that changed inside a gap is shown, and state in the timeline is not shown again.
#[tokio::test(flavor = "multi_thread")]
async fn state_that_changed_inside_a_gap_is_shown() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    bob.sync(0).await?;
    alice.set_state(&room, "m.room.topic", "", &json!({ "topic": "in the gap" })).await?;
    for number in 0..6 {
        alice.send_text(&room, &format!("{number}")).await?;
    }
    alice.set_state(&room, "m.room.name", "", &json!({ "name": "in the timeline" })).await?;
    let small = filter(&json!({ "room": { "timeline": { "limit": 3 } } }));
    let sync = bob.sync_with(0, &small).await?;
    let state = list(&sync, &room, "state");
    let topic = of_type(state, "m.room.topic");
    ensure!(topic.len() == 1 && topic[0]["content"]["topic"] == "in the gap", "{sync}");
    ensure!(of_type(state, "m.room.name").is_empty(), "shown twice: {sync}");
    ensure!(of_type(state, "m.room.create").is_empty(), "did not change: {sync}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn state_after_is_the_state_at_the_end_of_the_timeline_in_both_dialects() -> Result<()> {
    let server = Server::start().await?;
    let (alice, bob, room) = two_in_a_room(&server, &json!({ "name": "first" })).await?;
    let start = bob.clone().sync(0).await?;
    let since = text(&start, "next_batch")?;
    alice.set_state(&room, "m.room.name", "", &json!({ "name": "second" })).await?;
    let dialects = [
        ("use_state_after", "state_after"),
        ("org.matrix.msc4222.use_state_after", "org.matrix.msc4222.state_after"),
    ];
    for (parameter, name) in dialects {
        for since in [None, Some(since.clone())] {
            let mut reader = bob.clone();
            reader.since.clone_from(&since);
            let sync = reader.sync_with(0, &format!("&{parameter}=true")).await?;
            let names = of_type(list(&sync, &room, name), "m.room.name");
            ensure!(names.len() == 1, "{parameter} since {since:?}: {sync}");
            ensure!(names[0]["content"]["name"] == "second", "{sync}");
            ensure!(sync["rooms"]["join"][&room].get("state").is_none(), "both: {sync}");
        }
    }
    // Without the parameter the timeline alone has the change.
    let mut reader = bob.clone();
    reader.since = Some(since);
    let sync = reader.sync(0).await?;
    ensure!(of_type(list(&sync, &room, "state"), "m.room.name").is_empty(), "{sync}");
    let events = timeline::timeline_of(&sync, "join", &room);
    ensure!(of_type(events, "m.room.name").len() == 1, "{sync}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_rooms_types_and_senders_inline_and_stored() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    let other = alice.create_room(&json!({ "invite": [bob.user_id] })).await?;
    bob.join(&other).await?;
    alice.send_text(&room, "from alice").await?;
    bob.send_text(&room, "from bob").await?;
    alice.send_under(&room, "org.example.x", "x1", &json!({})).await?.ok()?;

    let cases = [
        (json!({ "room": { "rooms": [room] } }), None),
        (json!({ "room": { "not_rooms": [other] } }), None),
        (json!({ "room": { "timeline": { "types": ["m.room.message"] } } }), Some(2)),
        (
            json!({ "room": { "timeline": { "types": ["m.room.*"],
            "not_types": ["m.room.[!m]*", "m.room.member"], "senders": [bob.user_id] } } }),
            None,
        ),
        (
            json!({ "room": { "timeline": { "types": ["m.room.message"],
            "not_senders": [bob.user_id] } } }),
            Some(1),
        ),
        (json!({ "room": { "timeline": { "types": ["org.example.*"] } } }), Some(1)),
    ];
    let user = encode(&bob.user_id);
    for (wanted, count) in &cases {
        let stored = bob.post(&format!("/v3/user/{user}/filter"), wanted).await?;
        let id = text(&stored, "filter_id")?;
        let read = bob.get(&format!("/v3/user/{user}/filter/{id}")).await?;
        ensure!(read == *wanted, "{wanted} came back as {read}");
        for query in [filter(wanted), format!("&filter={id}")] {
            bob.since = None;
            let sync = bob.sync_with(0, &query).await?;
            let events = timeline::timeline_of(&sync, "join", &room);
            ensure!(count.is_none_or(|count| count == events.len()), "{wanted}: {sync}");
            if wanted["room"].get("timeline").is_none() {
                ensure!(sync["rooms"]["join"].get(&other).is_none(), "{wanted}: {sync}");
                ensure!(!events.is_empty(), "{wanted}: {sync}");
            }
        }
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn lazy_loading_brings_the_members_who_speak() -> Result<()> {
    let server = Server::start().await?;
    let options = json!({ "preset": "public_chat", "name": "Named" });
    let (mut alice, mut bob, room) = two_in_a_room(&server, &options).await?;
    for name in ["carol", "dave", "erin"] {
        register(&server, name).await?.join(&room).await?;
    }
    let spoken: Vec<_> = (0..4).map(|number| format!("{number}")).collect();
    for body in &spoken {
        alice.send_text(&room, body).await?;
    }
    let lazy = filter(&json!({ "room": { "state": { "lazy_load_members": true },
        "timeline": { "limit": 4 } } }));
    let sync = bob.sync_with(0, &lazy).await?;
    let members = of_type(list(&sync, &room, "state"), "m.room.member");
    let has = |user: &str| members.iter().any(|event| event["state_key"] == user);
    ensure!(has(&alice.user_id), "the speaker is missing: {sync}");
    ensure!(!has("@carol:localhost") && !has("@dave:localhost"), "a silent member: {sync}");
    let summary = &sync["rooms"]["join"][&room]["summary"];
    ensure!(summary["m.joined_member_count"] == 5, "{summary}");

    // A room without a name is named after its members, who therefore come along.
    let nameless = alice.create_room(&json!({ "invite": [bob.user_id] })).await?;
    bob.join(&nameless).await?;
    let sync = bob.sync_with(0, &lazy).await?;
    let heroes = &sync["rooms"]["join"][&nameless]["summary"]["m.heroes"];
    ensure!(*heroes == json!([alice.user_id]), "{sync}");

    bob.since = None;
    let whole = bob.sync(0).await?;
    let all = timeline::timeline_of(&whole, "join", &room).iter();
    let members = all.chain(list(&whole, &room, "state"));
    let members = members.filter(|event| event["type"] == "m.room.member");
    let distinct: std::collections::HashSet<_> =
        members.filter_map(|event| event["state_key"].as_str()).collect();
    ensure!(distinct.len() == 5, "{distinct:?}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_sees_the_leaving_and_nothing_after_it() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    bob.sync(0).await?;
    alice.send_text(&room, "before").await?;
    let kick = format!("/v3/rooms/{}/kick", encode(&room));
    alice.post(&kick, &json!({ "user_id": bob.user_id })).await?;
    alice.send_text(&room, "after").await?;

    let sync = bob.sync(0).await?;
    ensure!(bodies(&sync, "leave", &room) == ["before"], "{sync}");
    let events = timeline::timeline_of(&sync, "leave", &room);
    let last = events.last().context("the leaving itself")?;
    ensure!(last["content"]["membership"] == "leave", "{sync}");
    ensure!(sync["rooms"]["join"].get(&room).is_none(), "{sync}");
    let next = bob.sync(0).await?;
    ensure!(next["rooms"]["leave"].get(&room).is_none(), "said again: {next}");

    bob.since = None;
    let fresh = bob.sync(0).await?;
    ensure!(fresh["rooms"]["leave"].get(&room).is_none(), "not asked for: {fresh}");
    let with = filter(&json!({ "room": { "include_leave": true } }));
    bob.since = None;
    let fresh = bob.sync_with(0, &with).await?;
    ensure!(bodies(&fresh, "leave", &room) == ["before"], "{fresh}");
    bob.post(&format!("/v3/rooms/{}/forget", encode(&room)), &json!({})).await?;
    bob.since = None;
    let fresh = bob.sync_with(0, &with).await?;
    ensure!(fresh["rooms"]["leave"].get(&room).is_none(), "forgotten: {fresh}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_joined_between_two_syncs_comes_whole() -> Result<()> {
    let server = Server::start().await?;
    let mut alice = register(&server, "alice").await?;
    let mut bob = register(&server, "bob").await?;
    bob.sync(0).await?;
    let room = alice.create_room(&json!({ "preset": "public_chat", "topic": "old" })).await?;
    for number in 0..30 {
        alice.send_text(&room, &format!("{number}")).await?;
    }
    bob.join(&room).await?;
    let sync = bob.sync(0).await?;
    let state = list(&sync, &room, "state");
    for kind in ["m.room.create", "m.room.topic", "m.room.power_levels"] {
        ensure!(of_type(state, kind).len() == 1, "{kind}: {sync}");
    }
    let mut seen = Timeline::default();
    seen.take(&bob, &sync).await?;
    let expected: Vec<_> = (0..30).map(|number| format!("{number}")).collect();
    ensure!(seen.bodies(&room) == expected, "{:?}", seen.bodies(&room));
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_sync_wakes_up_and_an_idle_one_ends_in_time() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    bob.sync(0).await?;
    let mut listener = bob.clone();
    // Far below the poll's own timeout: only a wake-up can answer it in time.
    let (answer, sent) = tokio::join!(
        tokio::time::timeout(std::time::Duration::from_secs(20), listener.sync(60_000)),
        alice.send_text(&room, "wake up"),
    );
    sent?;
    ensure!(bodies(&answer.context("not woken up")??, "join", &room) == ["wake up"]);
    let idle = listener.sync(50).await?;
    ensure!(idle["rooms"]["join"].get(&room).is_none(), "{idle}");
    // An answer whose token was never used can be had again.
    let again = bob.sync(0).await?;
    ensure!(bodies(&again, "join", &room) == ["wake up"], "{again}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_counts_follow_messages_and_receipts() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) =
        two_in_a_room(&server, &json!({ "preset": "public_chat", "name": "Counted" })).await?;
    register(&server, "carol").await?.join(&room).await?;
    bob.sync(0).await?;
    let mut last = String::new();
    for number in 0..3 {
        last = alice.send_text(&room, &format!("{number}")).await?;
    }
    let mention = json!({ "msgtype": "m.text", "body": "you",
        "m.mentions": { "user_ids": [bob.user_id] } });
    let answer = alice.send_under(&room, "m.room.message", "m1", &mention).await?.ok()?;
    let counts = |sync: &Value| {
        let unread = &sync["rooms"]["join"][&room]["unread_notifications"];
        (unread["notification_count"].as_u64(), unread["highlight_count"].as_u64())
    };
    let sync = bob.sync(0).await?;
    ensure!(counts(&sync) == (Some(4), Some(1)), "{sync}");
    let receipt =
        |event: &str| format!("/v3/rooms/{}/receipt/m.read/{}", encode(&room), encode(event));
    bob.post(&receipt(&last), &json!({})).await?;
    let sync = bob.sync(0).await?;
    ensure!(counts(&sync) == (Some(1), Some(1)), "{sync}");
    bob.post(&receipt(&text(&answer, "event_id")?), &json!({})).await?;
    let sync = bob.sync(0).await?;
    ensure!(counts(&sync) == (Some(0), Some(0)), "{sync}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn own_transaction_ids_are_shown_to_the_sending_device_alone() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    let mut second = MatrixClient::log_in(&server.http(), "alice", harness::PASSWORD, None).await?;
    let content = json!({ "msgtype": "m.text", "body": "mine" });
    alice.send_under(&room, "m.room.message", "own-7", &content).await?.ok()?;
    for (client, expected) in [(&mut alice, true), (&mut second, false), (&mut bob, false)] {
        let sync = client.sync(0).await?;
        let events = timeline::timeline_of(&sync, "join", &room);
        let event = events.last().context("the message")?;
        ensure!(event["content"]["body"] == "mine", "{event}");
        let shown = event["unsigned"]["transaction_id"] == "own-7";
        ensure!(shown == expected, "{}: {event}", client.device_id);
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn account_data_and_tags_arrive_on_the_other_device() -> Result<()> {
    let server = Server::start().await?;
    let (alice, _, room) = two_in_a_room(&server, &json!({})).await?;
    let mut second = MatrixClient::log_in(&server.http(), "alice", harness::PASSWORD, None).await?;
    second.sync(0).await?;
    let user = encode(&alice.user_id);
    alice.put(&format!("/v3/user/{user}/account_data/m.note"), &json!({ "n": 1 })).await?;
    let tags = format!("/v3/user/{user}/rooms/{}/tags", encode(&room));
    alice.put(&format!("{tags}/u.work"), &json!({ "order": 0.25 })).await?;
    let sync = second.sync(0).await?;
    let global = sync["account_data"]["events"].as_array().context("account data")?;
    ensure!(of_type(global, "m.note").len() == 1, "{sync}");
    let tagged = of_type(list(&sync, &room, "account_data"), "m.tag");
    ensure!(tagged.len() == 1, "{sync}");
    ensure!(tagged[0]["content"]["tags"]["u.work"]["order"] == 0.25, "{sync}");
    alice.delete(&format!("{tags}/u.work")).await?;
    let sync = second.sync(0).await?;
    let tagged = of_type(list(&sync, &room, "account_data"), "m.tag");
    ensure!(tagged.len() == 1 && tagged[0]["content"]["tags"] == json!({}), "{sync}");
    server.finish().await
}
