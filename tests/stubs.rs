//! A room whose old messages are destroyed to their stubs: nothing of them can be read anywhere,
//! and people go on in it. Clients are answered the same by views and folds that lived through it
//! and by those that are made anew.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "nobody is refused here")]
mod officer;
#[path = "support/run_later.rs"]
mod run_later;
#[path = "support/shown.rs"]
mod shown;

use std::{collections::BTreeMap, fs, sync::Arc};

use anyhow::{Context, Result, ensure};
use event_log::{Entry, PartContent, RANGE_ENTRIES_MAX};
use facts::{Fact, LogPosition};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    two_in_a_room,
};
use officer::Officer;
use run_later::{now, open_log, run_later};
use serde_json::{Value, json};
use shown::{Shown, compare, strip};

const CANARY: &str = "canaryqzx";
const TYPE: &str = "org.example.canaryqzx";
const POLICY: &str = "[policy.brief]\nrecords = [\"messages\"]\nkeep_at_most = \"1h\"\n";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const TWO_HOURS_MS: u64 = 2 * 60 * 60 * 1000;
const MESSAGES: usize = 400;

struct Scene {
    people: Vec<MatrixClient>,
    room: String,
    /// Events that go.
    gone: Vec<String>,
    /// A state event in their middle.
    topic: String,
    /// A redaction of one of them, and the last event.
    kept: [String; 2],
}

fn message(number: usize) -> Value {
    json!({ "msgtype": "m.text", "body": format!("{CANARY} {number}") })
}

async fn play(server: &Server) -> Result<Scene> {
    let (mut alice, mut bob, room) =
        two_in_a_room(server, &json!({ "preset": "public_chat" })).await?;
    let (mut gone, mut topic) = (Vec::new(), String::new());
    for number in 0..MESSAGES {
        if number == MESSAGES / 2 {
            let content = json!({ "topic": "stays" });
            topic = alice.set_state(&room, "m.room.topic", "", &content).await?;
        }
        let (event_type, txn) = (["m.room.message", TYPE][number % 2], format!("n{number}"));
        let sent = alice.send_under(&room, event_type, &txn, &message(number)).await?;
        gone.push(text(&sent.ok()?, "event_id")?);
        if number == 9 {
            // What is read ends in the middle of what goes.
            bob.sync(0).await?;
            let read = format!("/v3/rooms/{}/receipt/m.read/{}", encode(&room), encode(&gone[9]));
            bob.post(&read, &json!({})).await?;
        }
    }
    for rel_type in ["m.thread", "m.annotation", "m.replace"] {
        let relates_to = json!({ "rel_type": rel_type, "event_id": gone[0], "key": "+1" });
        let content = json!({ "msgtype": "m.text", "body": CANARY, "m.relates_to": relates_to });
        let sent = bob.send_under(&room, "m.room.message", rel_type, &content).await?;
        gone.push(text(&sent.ok()?, "event_id")?);
    }
    let redact = format!("/v3/rooms/{}/redact/{}/r1", encode(&room), encode(&gone[1]));
    let redaction = text(&alice.put(&redact, &json!({})).await?, "event_id")?;
    let last = alice.send_text(&room, CANARY).await?;
    alice.sync(0).await?;
    bob.sync(0).await?;
    Ok(Scene { people: vec![alice, bob], room, gone, topic, kept: [redaction, last] })
}

/// Every entry, opened with the keys that are left. The server is down.
fn opened(server: &Server) -> Result<Vec<Entry>> {
    let log = open_log(server, Arc::new(now))?;
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(next) = Some(LogPosition(entries.len() as u64)).filter(|at| *at <= log.head()) {
        entries.extend(log.read_range(next, RANGE_ENTRIES_MAX, usize::MAX)?);
    }
    log.close();
    Ok(entries)
}

fn segment_bytes(server: &Server) -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(server.data_dir().join("log/segments"))? {
        let file = file?;
        if file.path().extension().is_some_and(|end| end == "seg") {
            bytes += file.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// Where each event is stored.
fn positions(entries: &[Entry]) -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(Fact::PduStored(stored)) = entry.fact()? {
            found.insert(stored.event_id, at);
        }
    }
    Ok(found)
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn destroy(server: &mut Server, scene: &Scene) -> Result<()> {
    let (ann, ben) = (register(server, "ann").await?, register(server, "ben").await?);
    let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
    ensure!(server.command(&set_up).await?.status.success(), "no officers");
    let file = server.data_dir().join("../brief.toml");
    fs::write(&file, POLICY)?;
    let file = file.to_str().context("a plain name")?;
    let ann = Officer::new(server, &ann)?;
    ann.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
    drop(ben);
    server.stop_gracefully().await?;
    let before = opened(server)?;
    let (at, full) = (positions(&before)?, segment_bytes(server)?);
    let done = run_later(server, TWO_HOURS_MS).await?;
    ensure!(done.receipt.is_some() && done.orders > 0, "{done:?}");
    let left = segment_bytes(server)?;
    // What is left of a message is its header, its hashes and its stub: less than half.
    ensure!(left * 2 < full, "{left} bytes of {full} are left");
    let after = opened(server)?;
    for event in &scene.gone {
        let entry = &after[at[event]];
        ensure!(entry.digest == before[at[event]].digest, "the digest stays");
        ensure!(entry.parts.iter().all(|part| *part == PartContent::Destroyed), "{entry:?}");
        let Some(Fact::PduStub(stub)) = entry.fact()? else { anyhow::bail!("{:?}", entry.fact()) };
        ensure!(stub.event_id == *event && !stub.prev_events.is_empty(), "{stub:?}");
    }
    for kept in &scene.kept {
        let fact = after[at[kept]].fact()?;
        let skeleton = matches!(&fact, Some(Fact::PduStored(stored)) if stored.content.is_none());
        ensure!(skeleton, "{kept}: {fact:?}");
    }
    for entry in &after {
        let stubs = matches!(entry.fact()?, Some(Fact::MessagesStubbed(_)));
        for clear in entry.parts.iter().filter_map(PartContent::clear) {
            ensure!(!has(clear, CANARY), "body or type at {}", entry.header.position);
            for sender in scene.people.iter().filter(|_| stubs) {
                ensure!(!has(clear, &sender.user_id), "a sender at {}", entry.header.position);
            }
        }
    }
    server.verify_log().await?;
    server.restart().await
}

/// What the people see of the room.
async fn look(scene: &Scene) -> Result<Shown> {
    let mut shown = Shown::new();
    let (room, topic) = (encode(&scene.room), encode(&scene.topic));
    for client in &scene.people {
        let mut paths = vec![
            "/v3/sync?timeout=0".to_owned(),
            "/v3/sync?timeout=0&filter=".to_owned()
                + &encode(
                    r#"{"room":{"timeline":{"limit":50},"state":{"lazy_load_members":true}}}"#,
                ),
            format!("/v3/rooms/{room}/members"),
            format!("/v3/rooms/{room}/state"),
            format!("/v1/rooms/{room}/threads"),
            format!("/v3/rooms/{room}/context/{topic}?limit=20"),
            format!("/v1/rooms/{room}/timestamp_to_event?ts=0&dir=f"),
            format!("/v1/rooms/{room}/timestamp_to_event?ts=9999999999999&dir=b"),
        ];
        for event in [0, 1, MESSAGES - 1, MESSAGES].map(|at| encode(&scene.gone[at])) {
            paths.push(format!("/v3/rooms/{room}/event/{event}"));
            paths.push(format!("/v3/rooms/{room}/context/{event}"));
            paths.push(format!("/v1/rooms/{room}/relations/{event}?recurse=true"));
        }
        for path in paths {
            let path = format!("/_matrix/client{path}");
            let answer = client.call(http::Method::GET, &path, None).await?;
            let mut body = answer.json()?;
            ensure!(!answer.status.is_server_error(), "{path}: {answer}");
            ensure!(!body.to_string().contains(CANARY), "{path}: {body}");
            strip(&mut body);
            let seen = json!({ "status": answer.status.as_u16(), "body": body });
            shown.insert(format!("{} {path}", client.user_id), seen);
        }
        for limit in [1, 7, 100] {
            let mut back = Value::Array(client.history(&scene.room, limit).await?);
            let mut forth = Value::Array(forward(client, &scene.room, limit).await?);
            strip(&mut back);
            strip(&mut forth);
            ensure!(back == forth, "back and forth by {limit}:\n{back}\n{forth}");
            ensure!(back.to_string().contains(&scene.topic), "{back}");
            shown.insert(format!("{} walks by {limit}", client.user_id), back);
        }
    }
    let of_gone = shown.iter().filter(|(path, _)| path.contains(&encode(&scene.gone[0])));
    for (path, seen) in of_gone {
        ensure!(seen["status"] == 404, "{path}: {seen}");
    }
    Ok(shown)
}

/// As [`MatrixClient::history`], the other way.
async fn forward(client: &MatrixClient, room: &str, limit: u32) -> Result<Vec<Value>> {
    let (mut events, mut from) = (Vec::new(), None::<String>);
    for _ in 0..10_000 {
        let page = client.page(room, "f", from.as_deref(), limit).await?;
        events.extend(page["chunk"].as_array().context("a chunk")?.iter().cloned());
        let Some(end) = page.get("end").and_then(Value::as_str) else { return Ok(events) };
        ensure!(from.as_deref() != Some(end), "a token that does not move: {end}");
        from = Some(end.to_owned());
    }
    anyhow::bail!("pages that do not end")
}

/// The room goes on: both talk, and read what the other says; somebody new comes.
async fn go_on(server: &Server, scene: &mut Scene, newcomer: &str) -> Result<()> {
    let room = scene.room.clone();
    for (from, to) in [(0, 1), (1, 0)] {
        let said = scene.people[from].send_text(&room, &format!("and on for {newcomer}")).await?;
        let seen = |answer: &Value| answer.to_string().contains(&said);
        scene.people[to].sync_until("what was said", seen).await?;
    }
    let mut new = register(server, newcomer).await?;
    new.join(&room).await?;
    let seen = new.sync(0).await?;
    ensure!(seen["rooms"]["join"][&room]["timeline"]["events"].is_array(), "{seen}");
    new.send_text(&room, "hello").await?;
    scene.people.push(new);
    // Marks and replies that name what is gone are taken.
    let read = format!("/v3/rooms/{}/receipt/m.read/{}", encode(&room), encode(&scene.gone[20]));
    scene.people[0].post(&read, &json!({})).await?;
    let relates_to = json!({ "m.in_reply_to": { "event_id": scene.gone[0] } });
    let content = json!({ "msgtype": "m.text", "body": "yes", "m.relates_to": relates_to });
    scene.people[1].send_under(&room, "m.room.message", newcomer, &content).await?.ok()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_room_goes_on_over_what_was_destroyed_and_views_made_anew_answer_the_same()
-> Result<()> {
    let mut server = Server::start().await?;
    let mut scene = play(&server).await?;
    let history = scene.people[0].history(&scene.room, 100).await?;
    ensure!(json!(history).to_string().contains(CANARY), "it can be had before");
    destroy(&mut server, &scene).await?;
    // A request that is sent once more made what is gone: nothing new comes of it.
    let again = scene.people[0].send_under(&scene.room, TYPE, "n1", &message(1)).await?.ok()?;
    ensure!(again["event_id"] == scene.gone[1].as_str(), "{again}");
    go_on(&server, &mut scene, "carol").await?;
    let before = look(&scene).await?;
    for gone in [&["views", "folds", "log/index"][..], &["views"], &["folds"], &[]] {
        server.stop_gracefully().await?;
        for dir in gone {
            fs::remove_dir_all(server.data_dir().join(dir))?;
        }
        server.restart().await?;
        compare(&before, &look(&scene).await?, &format!("without {gone:?}"))?;
    }
    go_on(&server, &mut scene, "dave").await?;
    look(&scene).await?;
    server.finish().await
}
