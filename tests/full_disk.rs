//! A disk that is full stops writing, nothing else: those who write are told when to come back,
//! those who read go on, what was acknowledged is there, and room on the disk heals it.
//!
//! The full disk is a limit on the size of files (`ulimit -f`), with its signal ignored: writes
//! then fail as they do on a disk without room.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use harness::{
    http_client::{Answer, Http},
    matrix_client::{MatrixClient, text},
    server::Server,
    timeline, two_in_a_room,
};
use http::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// In blocks of 512 bytes: 2 MiB, which the segment reaches long before any other file does.
const FILE_BLOCKS: u32 = 4_096;

/// Of this size each, a hundred of messages fill it.
const BODY_BYTES: usize = 40_000;
const SENDS_MAX: usize = 200;
const READY_POLL: Duration = Duration::from_millis(10);
const READY_POLLS_MAX: u32 = 6_000;

/// The server on the same data and port, under the limit.
async fn start_limited(server: &Server) -> Result<Child> {
    let dir = server.data_dir();
    let config = dir.parent().context("a directory")?.join("chancery.toml");
    let script =
        format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS}; exec \"$0\" serve --config \"$1\"");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(harness::server::binary())
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(dir.with_file_name("limited.log"))?)
        .kill_on_drop(true)
        .spawn()?;
    let http = server.http();
    for _ in 0..READY_POLLS_MAX {
        if let Some(status) = child.try_wait()? {
            let said = std::fs::read_to_string(dir.with_file_name("limited.log"))?;
            bail!("the limited server ended with {status}:\n{said}");
        }
        match http.json(Method::GET, "/health", None, None).await {
            Ok(answer) if answer.status.is_success() => return Ok(child),
            _ => tokio::time::sleep(READY_POLL).await,
        }
    }
    bail!("the limited server did not get ready")
}

fn body(number: usize) -> String {
    format!("{number} {}", "x".repeat(BODY_BYTES))
}

async fn send(client: &MatrixClient, room: &str, number: usize) -> Result<Answer> {
    let content = json!({ "msgtype": "m.text", "body": body(number) });
    client.send_under(room, "m.room.message", &format!("full-{number}"), &content).await
}

/// Sends until the disk is full. Gives what was acknowledged; the next one was refused.
async fn fill(client: &MatrixClient, room: &str) -> Result<Vec<String>> {
    let mut acknowledged = Vec::new();
    for number in 0..SENDS_MAX {
        let answer = send(client, room, number).await?;
        if !answer.status.is_success() {
            refused(&answer)?;
            return Ok(acknowledged);
        }
        acknowledged.push(text(&answer.json()?, "event_id")?);
    }
    bail!("the disk was never full")
}

fn refused(answer: &Answer) -> Result<()> {
    ensure!(answer.status.as_u16() == 503, "{answer}");
    let wait = answer.headers.get("retry-after").context("no Retry-After")?;
    ensure!(wait.to_str()?.parse::<u64>()? > 0, "{wait:?}");
    let errcode = answer.errcode().unwrap_or_default();
    ensure!(errcode.starts_with("M_"), "{answer}");
    Ok(())
}

/// Messages of the test with their event ids, in order.
fn ours(events: &[Value]) -> Result<Vec<String>> {
    let large = events.iter().filter(|event| {
        event["content"]["body"].as_str().is_some_and(|body| body.len() > BODY_BYTES)
    });
    large.map(|event| text(event, "event_id")).collect()
}

async fn reads_go_on(client: &MatrixClient, room: &str, expected: &[String]) -> Result<()> {
    let mut reader = client.clone();
    reader.since = None;
    let sync = reader.sync(0).await?;
    let newest = ours(timeline::timeline_of(&sync, "join", room))?;
    ensure!(!newest.is_empty() && expected.ends_with(&newest), "{newest:?} of {expected:?}");
    let walked = ours(&reader.history(room, 10).await?)?;
    ensure!(walked == expected, "walked {walked:?}, acknowledged {expected:?}");
    Ok(())
}

async fn still_refused(http: &Http, client: &MatrixClient, room: &str, next: usize) -> Result<()> {
    for _ in 0..3 {
        refused(&send(client, room, next).await?)?;
    }
    let path = "/_matrix/client/v3/login";
    let login = json!({ "type": "m.login.password", "password": harness::PASSWORD,
        "identifier": { "type": "m.id.user", "user": "alice" } });
    refused(&http.json(Method::POST, path, None, Some(&login)).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_keeps_reads_and_heals() -> Result<()> {
    let mut server = Server::start().await?;
    let (mut alice, bob, room) = two_in_a_room(&server, &json!({})).await?;
    server.stop_gracefully().await?;
    let mut limited = start_limited(&server).await?;
    let mut acknowledged = fill(&alice, &room).await?;
    ensure!(acknowledged.len() > 10, "full after {} messages", acknowledged.len());
    let next = acknowledged.len();
    reads_go_on(&bob, &room, &acknowledged).await.context("full")?;
    still_refused(&server.http(), &alice, &room, next).await?;
    reads_go_on(&alice, &room, &acknowledged).await.context("still full")?;
    limited.kill().await?;

    server.restart().await?;
    reads_go_on(&bob, &room, &acknowledged).await.context("room again")?;
    for number in [0, next / 2, next - 1] {
        let again = text(&send(&alice, &room, number).await?.ok()?, "event_id")?;
        ensure!(again == acknowledged[number], "a retry of {number} made another event");
    }
    // What was refused goes through now, once, however often it is tried.
    let healed = text(&send(&alice, &room, next).await?.ok()?, "event_id")?;
    ensure!(text(&send(&alice, &room, next).await?.ok()?, "event_id")? == healed);
    acknowledged.push(healed);
    reads_go_on(&bob, &room, &acknowledged).await.context("healed")?;
    alice.send_text(&room, "and on").await?;
    server.finish().await
}
