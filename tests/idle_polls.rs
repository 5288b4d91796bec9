//! A thousand clients that wait cost little: nobody is refused, those who work are not slowed,
//! memory stays bounded, all wake when there is something, and a stop does not wait for them.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

const POLLS: usize = 1_000;
const USERS: usize = 10;

/// Longer than the test, so that no poll ends by its own time.
const POLL_MS: u64 = 120_000;
const SENDS: usize = 50;
const SEND_MAX: Duration = Duration::from_secs(1);

/// What the polls may add: 100 KiB each. What the server had before (password hashing leaves the
/// allocator with more or less of it) is not theirs.
const RSS_GROWTH_MAX_KIB: u64 = 100 * 1024;

/// `limits.drain_seconds`: far more than a stop takes that answers the polls instead of cutting them.
const DRAIN_SECONDS: u64 = 60;
const STOP_MAX: Duration = Duration::from_secs(DRAIN_SECONDS / 2);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
const ANSWER_DEADLINE: Duration = Duration::from_mins(1);

/// A poll on its own connection; the answer comes when it comes.
async fn poll(port: u16, client: &MatrixClient) -> Result<TcpStream> {
    let since = encode(client.since.as_deref().context("synced before")?);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "GET /_matrix/client/v3/sync?timeout={POLL_MS}&since={since} HTTP/1.1\r\n\
         Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        client.access_token
    );
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

async fn polls(server: &Server, idle: &[MatrixClient]) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(POLLS);
    for number in 0..POLLS {
        streams.push(poll(server.port(), &idle[number % idle.len()]).await?);
    }
    Ok(streams)
}

/// Whatever was answered already, which would be a refusal or a poll that did not wait.
fn answered(streams: &[TcpStream]) -> Vec<String> {
    let mut seen = Vec::new();
    for stream in streams {
        let mut start = [0; 300];
        match stream.try_read(&mut start) {
            Ok(read) => seen.push(String::from_utf8_lossy(&start[..read]).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => seen.push(error.to_string()),
        }
    }
    seen
}

/// Memory of the server, found by the configuration that only it was started with.
fn rss_kib(server: &Server) -> Result<u64> {
    let dir = server.data_dir().parent().context("a directory")?.to_owned();
    let config = dir.join("chancery.toml");
    let config = config.to_str().context("a plain name")?;
    for entry in std::fs::read_dir("/proc")? {
        let process = entry?.path();
        // Processes end while one looks.
        let Ok(command) = std::fs::read(process.join("cmdline")) else { continue };
        if String::from_utf8_lossy(&command).split('\0').any(|argument| argument == config) {
            let status = std::fs::read_to_string(process.join("status"))?;
            let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
            let number = line.split_whitespace().nth(1).context("a number")?;
            return Ok(number.parse()?);
        }
    }
    anyhow::bail!("no process has {config}")
}

#[expect(clippy::disallowed_methods, reason = "what is measured here is real time")]
fn instant() -> Instant {
    Instant::now()
}

async fn everybody_wakes(streams: Vec<TcpStream>, event: &str) -> Result<()> {
    let mut answers = JoinSet::new();
    for stream in streams {
        answers.spawn(async move {
            let mut answer = Vec::new();
            let mut stream = stream.take(ANSWER_BYTES_MAX);
            tokio::time::timeout(ANSWER_DEADLINE, stream.read_to_end(&mut answer)).await??;
            anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
        });
    }
    while let Some(answer) = answers.join_next().await {
        let answer = answer?.context("a poll that was to wake")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        ensure!(answer.contains(event), "woken by something else: {answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiting_clients_disturb_nobody() -> Result<()> {
    let limits = format!("drain_seconds = {DRAIN_SECONDS}");
    let mut server = Server::start_with(&limits).await?;
    let mut alice = register(&server, "alice").await?;
    let mut bob = register(&server, "bob").await?;
    let busy = alice.create_room(&json!({ "preset": "public_chat" })).await?;
    let quiet = alice.create_room(&json!({ "preset": "public_chat" })).await?;
    bob.join(&busy).await?;
    let mut idle = Vec::new();
    for number in 0..USERS {
        let client = register(&server, &format!("idle{number}")).await?;
        client.join(&quiet).await?;
        idle.push(client);
    }
    for client in &mut idle {
        client.sync(0).await?;
    }
    let before = rss_kib(&server)?;
    let streams = polls(&server, &idle).await?;
    bob.sync(0).await?;
    for number in 0..SENDS {
        let start = instant();
        let event = alice.send_text(&busy, &format!("{number}")).await?;
        let took = start.elapsed();
        ensure!(took < SEND_MAX, "a send took {took:?}");
        let seen = |sync: &serde_json::Value| sync.to_string().contains(&event);
        bob.sync_until("the message", seen).await?;
    }
    let early = answered(&streams);
    ensure!(early.is_empty(), "{} answered: {:?}", early.len(), early.first());
    let after = rss_kib(&server)?;
    eprintln!("memory {before} KiB, with {POLLS} polls {after} KiB");
    let grown = after.saturating_sub(before);
    ensure!(grown < RSS_GROWTH_MAX_KIB, "memory {before} KiB became {after} KiB");

    let event = alice.send_text(&quiet, "wake up").await?;
    everybody_wakes(streams, &event).await?;

    for client in &mut idle {
        client.sync(0).await?;
    }
    let streams = polls(&server, &idle).await?;
    text(&bob.get("/v3/account/whoami").await?, "user_id")?;
    let start = instant();
    server.stop_gracefully().await?;
    let took = start.elapsed();
    eprintln!("stopped with {POLLS} polls in {took:?}");
    ensure!(took < STOP_MAX, "the stop took {took:?}");
    drop(streams);
    server.restart().await?;
    server.finish().await
}
