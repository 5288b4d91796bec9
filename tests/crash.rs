//! The server is killed at random moments under load, again and again, on one data directory.
//! After each death it starts, every acknowledged message is there exactly once, a retried
//! transaction gives the same event, and the log verifies with contiguous positions.
//!
//! `CHANCERY_CRASH_ROUNDS` sets how often (10), `CHANCERY_CRASH_SEED` repeats a run, `CHANCERY`
//! names another binary than the one built with the test.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const ROUNDS: u64 = 10;
const SENDERS: usize = 4;
const ROOMS: usize = 2;

/// A life of the server under load; it is killed after a random part of it.
const LIFE_MS: u64 = 400;

/// What a sender may send in one life; the kill comes long before.
const SENDS_MAX: usize = 100_000;

/// A sender, and the transactions of which it does not know the outcome.
struct Sender {
    client: MatrixClient,
    room: String,
    acknowledged: Vec<(String, String)>,
    open: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_a_kill() -> Result<()> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>());
    let rounds = number("CHANCERY_CRASH_ROUNDS").transpose()?.unwrap_or(ROUNDS);
    let seed = number("CHANCERY_CRASH_SEED").transpose()?.unwrap_or(0x00c0_ffee);
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start().await?;
    let mut senders = senders(&server).await?;
    let mut head = server.verify_log().await?["head"].as_u64().context("a head")?;
    for round in 0..rounds {
        let life = Duration::from_millis(random.random_range(0..LIFE_MS));
        let whole = async {
            senders = one_life(&mut server, std::mem::take(&mut senders), life).await?;
            head = check_log(&server, head).await?;
            server.restart().await?;
            for sender in &mut senders {
                retry(sender).await?;
            }
            check_rooms(&senders).await
        };
        whole.await.with_context(|| {
            format!("round {round}, killed after {life:?}; CHANCERY_CRASH_SEED={seed}")
        })?;
    }
    let total: usize = senders.iter().map(|sender| sender.acknowledged.len()).sum();
    ensure!(total > 0, "no message was ever acknowledged: nothing was tested (seed {seed})");
    check_by_sync(&mut senders).await.with_context(|| format!("seed {seed}"))?;
    server.finish().await
}

async fn senders(server: &Server) -> Result<Vec<Sender>> {
    let mut clients = Vec::new();
    for number in 0..SENDERS {
        clients.push(register(server, &format!("sender{number}")).await?);
    }
    let mut rooms = Vec::new();
    for client in clients.iter().take(ROOMS) {
        rooms.push(client.create_room(&json!({ "preset": "public_chat" })).await?);
    }
    let mut senders = Vec::new();
    for (number, client) in clients.into_iter().enumerate() {
        let room = rooms[number % ROOMS].clone();
        client.join(&room).await?;
        senders.push(Sender { client, room, acknowledged: Vec::new(), open: None });
    }
    Ok(senders)
}

/// All senders send until the server dies under them, `life` from now.
async fn one_life(
    server: &mut Server,
    senders: Vec<Sender>,
    life: Duration,
) -> Result<Vec<Sender>> {
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(send_until_dead(sender));
    }
    // Not a wait for a state: the random moment of the kill is what is tested.
    tokio::time::sleep(life).await;
    server.kill_9().await?;
    let mut back = Vec::new();
    while let Some(sender) = tasks.join_next().await {
        back.push(sender??);
    }
    back.sort_by(|left, right| left.client.user_id.cmp(&right.client.user_id));
    Ok(back)
}

async fn send_until_dead(mut sender: Sender) -> Result<Sender> {
    for _ in 0..SENDS_MAX {
        let txn = sender.client.new_txn();
        let Some(outcome) = send(&sender, &txn).await else {
            sender.open = Some(txn);
            return Ok(sender);
        };
        sender.acknowledged.push((txn, outcome?));
    }
    anyhow::bail!("the server was never killed")
}

/// `None` when no whole answer came back: the outcome is not known.
async fn send(sender: &Sender, txn: &str) -> Option<Result<String>> {
    let content = json!({ "msgtype": "m.text", "body": body(sender, txn) });
    let answer = sender.client.send_under(&sender.room, "m.room.message", txn, &content).await;
    let answer = answer.ok()?;
    Some(answer.ok().and_then(|answer| text(&answer, "event_id")))
}

fn body(sender: &Sender, txn: &str) -> String {
    format!("{} {txn}", sender.client.user_id)
}

/// `log verify` on what the kill left: no fault, and as many entries as positions. Gives the head.
async fn check_log(server: &Server, head_before: u64) -> Result<u64> {
    let report = server.verify_log().await?;
    let head = report["head"].as_u64().context("a head")?;
    let entries = report["entries"].as_u64().context("a count")?;
    ensure!(head >= head_before, "the head went back from {head_before}: {report}");
    // Positions start at 0 and have no gap: the newest is one less than the count.
    ensure!(entries == head + 1, "positions are not contiguous: {report}");
    Ok(head)
}

/// What was in flight is sent again under its transaction id, and so is the last acknowledged one.
async fn retry(sender: &mut Sender) -> Result<()> {
    if let Some(txn) = sender.open.take() {
        let outcome = send(sender, &txn).await.context("no answer to a retry")??;
        sender.acknowledged.push((txn, outcome));
    }
    if let Some((txn, event_id)) = sender.acknowledged.iter().rev().nth(1).cloned() {
        let again = send(sender, &txn).await.context("no answer to a retry")??;
        ensure!(again == event_id, "transaction {txn} gave {event_id}, now {again}");
    }
    Ok(())
}

/// Every acknowledged message is in its room once, with its text, and nothing else is.
async fn check_rooms(senders: &[Sender]) -> Result<()> {
    let mut rooms: HashMap<&str, Vec<&Sender>> = HashMap::new();
    for sender in senders {
        rooms.entry(sender.room.as_str()).or_default().push(sender);
    }
    for (room, senders) in rooms {
        let first = senders.first().context("a room has senders")?;
        check_events(&first.client.history(room, 500).await?, &senders)
            .with_context(|| format!("in {room}"))?;
    }
    Ok(())
}

fn check_events(events: &[Value], senders: &[&Sender]) -> Result<()> {
    let mut found: HashMap<&str, &str> = HashMap::new();
    for event in events.iter().filter(|event| event["type"] == "m.room.message") {
        let id = event["event_id"].as_str().context("an event id")?;
        let body = event["content"]["body"].as_str().context("a body")?;
        ensure!(found.insert(id, body).is_none(), "{id} is there twice");
    }
    let mut expected = 0;
    for sender in senders {
        for (txn, event_id) in &sender.acknowledged {
            let text = body(sender, txn);
            let there = found.get(event_id.as_str());
            ensure!(there == Some(&text.as_str()), "{event_id} ({text}) is {there:?}");
            expected += 1;
        }
    }
    // A message that nobody was told of would be a doubled one: all open ones were retried.
    ensure!(found.len() == expected, "{} messages, {expected} acknowledged", found.len());
    Ok(())
}

/// At the end the same by `/sync` from scratch, with the gaps filled as clients do.
async fn check_by_sync(senders: &mut [Sender]) -> Result<()> {
    for number in 0..senders.len() {
        let mut seen = harness::timeline::Timeline::default();
        let client = &mut senders[number].client;
        let sync = client.sync(0).await?;
        seen.take(client, &sync).await?;
        let room = senders[number].room.clone();
        let here: Vec<&Sender> = senders.iter().filter(|other| other.room == room).collect();
        check_events(seen.events(&room), &here).with_context(|| room.clone())?;
    }
    Ok(())
}
