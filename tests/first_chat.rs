//! Two people talk over the raw API, and a power cut in the middle of it loses nothing.

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
use http::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_and_talk() -> Result<()> {
    let server = Server::start().await?;
    let mut alice = register(&server, "alice").await?;
    let mut bob = register(&server, "bob").await?;
    let options = json!({ "preset": "private_chat", "name": "Den" });
    let room = alice.create_room(&options).await?;
    alice.invite(&room, &bob.user_id).await?;

    let invited = |sync: &Value| sync["rooms"]["invite"].get(&room).is_some();
    let invitation = bob.sync_until("the invitation", invited).await?;
    let stripped = &invitation["rooms"]["invite"][&room]["invite_state"]["events"];
    ensure!(stripped_names_the_room(stripped), "no stripped name in {stripped}");
    bob.join(&room).await?;

    let from_alice = alice.send_text(&room, "hello bob").await?;
    let from_bob = bob.send_text(&room, "hello alice").await?;
    for client in [&mut alice, &mut bob] {
        let mut seen = Timeline::default();
        client.since = None;
        let sync = client.sync(0).await?;
        seen.take(client, &sync).await?;
        ensure!(seen.bodies(&room) == ["hello bob", "hello alice"], "{:?}", seen.bodies(&room));
        ensure!(seen.has(&from_alice) && seen.has(&from_bob));
    }
    typing_arrives(&alice, &mut bob, &room).await?;
    receipt_arrives(&bob, &mut alice, &room, &from_alice).await?;
    media_comes_back(&alice, &bob).await?;
    redaction_takes_the_text(&alice, &mut bob, &room, &from_alice).await?;
    pages_agree(&bob, &room).await?;
    server.finish().await
}

fn stripped_names_the_room(events: &Value) -> bool {
    let mut events = events.as_array().into_iter().flatten();
    events.any(|event| event["type"] == "m.room.name" && event["content"]["name"] == "Den")
}

async fn typing_arrives(from: &MatrixClient, to: &mut MatrixClient, room: &str) -> Result<()> {
    let path = format!("/v3/rooms/{}/typing/{}", encode(room), encode(&from.user_id));
    from.put(&path, &json!({ "typing": true, "timeout": 30_000 })).await?;
    let typing = |sync: &Value, ids: &Value| {
        ephemeral(sync, room, "m.typing").is_some_and(|content| content["user_ids"] == *ids)
    };
    let expected = json!([from.user_id]);
    to.sync_until("typing", |sync| typing(sync, &expected)).await?;
    from.put(&path, &json!({ "typing": false })).await?;
    to.sync_until("the end of typing", |sync| typing(sync, &json!([]))).await?;
    Ok(())
}

fn ephemeral<'a>(sync: &'a Value, room: &str, event_type: &str) -> Option<&'a Value> {
    let events = sync["rooms"]["join"][room]["ephemeral"]["events"].as_array()?;
    Some(&events.iter().find(|event| event["type"] == event_type)?["content"])
}

async fn receipt_arrives(
    from: &MatrixClient,
    to: &mut MatrixClient,
    room: &str,
    event: &str,
) -> Result<()> {
    let path = format!("/v3/rooms/{}/receipt/m.read/{}", encode(room), encode(event));
    from.post(&path, &json!({})).await?;
    let read = |sync: &Value| {
        ephemeral(sync, room, "m.receipt")
            .is_some_and(|content| content[event]["m.read"][&from.user_id]["ts"].is_u64())
    };
    to.sync_until("the receipt", read).await?;
    Ok(())
}

async fn media_comes_back(from: &MatrixClient, to: &MatrixClient) -> Result<()> {
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    let mxc = from.upload("application/octet-stream", &bytes).await?;
    let answer = to.download(&mxc).await?;
    ensure!(answer.status.is_success(), "{}", answer.status);
    ensure!(answer.body == bytes, "{} bytes came back of {}", answer.body.len(), bytes.len());
    let kind = answer.headers.get("content-type").context("a content type")?;
    ensure!(kind == "application/octet-stream", "{kind:?}");
    Ok(())
}

async fn redaction_takes_the_text(
    from: &MatrixClient,
    to: &mut MatrixClient,
    room: &str,
    event: &str,
) -> Result<()> {
    let path = format!("/v3/rooms/{}/redact/{}/r1", encode(room), encode(event));
    let redaction = text(&from.put(&path, &json!({ "reason": "typo" })).await?, "event_id")?;
    let arrived = |sync: &Value| {
        let events = timeline::timeline_of(sync, "join", room);
        events.iter().any(|seen| seen["event_id"] == redaction.as_str())
    };
    to.sync_until("the redaction", arrived).await?;
    let redacted = to.get(&format!("/v3/rooms/{}/event/{}", encode(room), encode(event))).await?;
    ensure!(redacted["content"] == json!({}), "{redacted}");
    let because = &redacted["unsigned"]["redacted_because"]["event_id"];
    ensure!(*because == redaction.as_str(), "{redacted}");
    Ok(())
}

/// Whatever the size of a page, and in both directions, a walk sees the same events.
async fn pages_agree(client: &MatrixClient, room: &str) -> Result<()> {
    let ids = |events: &[Value]| -> Result<Vec<String>> {
        events.iter().map(|event| text(event, "event_id")).collect()
    };
    let whole = ids(&client.history(room, 1_000).await?)?;
    for limit in [1, 2, 7] {
        let walked = ids(&client.history(room, limit).await?)?;
        ensure!(walked == whole, "limit {limit}: {walked:?} is not {whole:?}");
    }
    let mut forward = Vec::new();
    let mut from: Option<String> = None;
    loop {
        let page = client.page(room, "f", from.as_deref(), 3).await?;
        let chunk = page["chunk"].as_array().context("a chunk")?;
        forward.extend(ids(chunk)?);
        ensure!(forward.len() <= whole.len(), "a forward walk that does not end: {forward:?}");
        match page.get("end").and_then(Value::as_str) {
            Some(end) if !chunk.is_empty() => from = Some(end.to_owned()),
            _ => break,
        }
    }
    ensure!(forward == whole, "forward {forward:?} is not {whole:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_in_the_middle_loses_and_doubles_nothing() -> Result<()> {
    let mut server = Server::start().await?;
    let (mut alice, mut bob, room) =
        two_in_a_room(&server, &json!({ "preset": "private_chat" })).await?;
    let mut seen = Timeline::default();
    let sync = bob.sync(0).await?;
    seen.take(&bob, &sync).await?;
    for number in 0..5 {
        alice.send_text(&room, &format!("before {number}")).await?;
    }
    let sync = bob.sync(0).await?;
    seen.take(&bob, &sync).await?;

    let content = json!({ "msgtype": "m.text", "body": "the last before" });
    let answer = alice.send_under(&room, "m.room.message", "retried", &content).await?;
    let acknowledged = text(&answer.ok()?, "event_id")?;
    let mxc = alice.upload("text/plain", b"kept").await?;
    server.kill_9().await?;
    server.restart().await?;

    let again = alice.send_under(&room, "m.room.message", "retried", &content).await?;
    ensure!(text(&again.ok()?, "event_id")? == acknowledged, "a retry made another event");
    ensure!(bob.download(&mxc).await?.body == "kept".as_bytes());
    for number in 0..5 {
        bob.send_text(&room, &format!("after {number}")).await?;
    }
    // The token of before the cut goes on where it was.
    let sync = bob.sync(0).await?;
    seen.take(&bob, &sync).await?;
    let before = (0..5).map(|number| format!("before {number}"));
    let after = (0..5).map(|number| format!("after {number}"));
    let expected: Vec<_> = before.chain(["the last before".to_owned()]).chain(after).collect();
    ensure!(seen.bodies(&room) == expected, "synced {:?}", seen.bodies(&room));
    let walked = timeline::bodies(&alice.history(&room, 3).await?);
    ensure!(walked == expected, "walked {walked:?}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_stays_ended_after_a_power_cut() -> Result<()> {
    let mut server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    alice.post("/v3/logout", &json!({})).await?;
    server.kill_9().await?;
    server.restart().await?;
    let path = "/_matrix/client/v3/account/whoami";
    alice.call(Method::GET, path, None).await?.refused(401, "M_UNKNOWN_TOKEN")?;
    let again = MatrixClient::log_in(&server.http(), "alice", harness::PASSWORD, None).await?;
    ensure!(again.get("/v3/account/whoami").await?["user_id"] == "@alice:localhost");
    server.finish().await
}
