//! Concurrent senders, each with one message in flight, as fast as the server answers. Others may
//! receive what they send; then the server's processor time a message has the delivery in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    accounts,
    http_client::Http,
    matrix_client::MatrixClient,
    payload::Payload,
    process,
    progress::Progress,
    quantiles::{Latencies, millis},
    receiving::Receiving,
    settings::Settings,
};

/// A sender gives up after so many refusals in a row.
const REFUSALS_MAX: usize = 100;

/// One sender and where it sends to.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Account.
    pub(crate) client: MatrixClient,
    /// Room that it is joined to.
    pub(crate) room: String,
}

/// What the senders measured.
#[derive(Debug, Default)]
struct Measured {
    latencies: Latencies,
    refused: usize,
    limited: usize,
}

/// Registers senders, spreads them over rooms, and measures.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    ensure!(settings.senders > 0 && settings.rooms > 0, "there must be senders and rooms");
    let http = Http::new(&settings.server);
    let clients = accounts::users(settings, &http, "sender", settings.senders).await?;
    let rooms = settings.rooms.min(clients.len());
    let mut room_ids = Vec::with_capacity(rooms);
    for (number, creator) in clients.iter().take(rooms).enumerate() {
        let name = format!("load {number}");
        let options = json!({ "preset": "public_chat", "name": name });
        room_ids.push(creator.create_room(&options).await.context("making the rooms")?);
    }
    let mut senders = Vec::with_capacity(clients.len());
    for (number, client) in clients.into_iter().enumerate() {
        let room = room_ids[number % rooms].clone();
        if number >= rooms {
            client.join(&room).await.context("joining the rooms")?;
        }
        senders.push(Sender { client, room });
    }
    let receiving = Receiving::start(settings, &http, &room_ids).await?;
    // From here on: registering hashes passwords, which is dear on purpose.
    let before = process::Usage::of(settings.server_pid)?;
    let mut result = measure(settings, senders, "send").await?;
    let sent = result["messages"].as_u64().unwrap_or_default();
    receiving.end(&mut result, sent).await?;
    let after = process::Usage::of(settings.server_pid)?;
    let sent = usize::try_from(sent).unwrap_or(usize::MAX);
    result["server_cpu_ms"] = process::cpu_ms_each(before.as_ref(), after.as_ref(), sent);
    Ok(result)
}

/// Lets all senders send until the messages or the time are used up.
pub(crate) async fn measure(
    settings: &Settings,
    senders: Vec<Sender>,
    what: &'static str,
) -> Result<Value> {
    let total = settings.messages.unwrap_or(usize::MAX);
    let left = Arc::new(AtomicUsize::new(total));
    let started = Instant::now();
    let ends = match settings.messages {
        Some(_) => None,
        None => Some(started + Duration::from_secs(settings.duration)),
    };
    let steps = settings.messages.map_or(settings.duration, |count| count as u64);
    let progress = Arc::new(Progress::start(what, steps));
    let mut tasks = JoinSet::new();
    for (number, sender) in senders.into_iter().enumerate() {
        let payload = Payload::new(settings.seed, number);
        let (left, progress) = (Arc::clone(&left), Arc::clone(&progress));
        // Transaction ids of an earlier run with the same account must not come again.
        let txns = format!("{what}-{}-", sender.client.device_id);
        tasks.spawn(send_all(sender, payload, txns, left, ends, progress));
    }
    if ends.is_some() {
        // The bar of a timed run counts seconds.
        let progress = Arc::clone(&progress);
        let seconds = settings.duration;
        tokio::spawn(async move {
            for _ in 0..seconds {
                tokio::time::sleep(Duration::from_secs(1)).await;
                progress.step();
            }
        });
    }
    let mut measured = Measured::default();
    while let Some(outcome) = tasks.join_next().await {
        let one = outcome.context("a sender ended early")??;
        measured.latencies.merge(one.latencies);
        measured.refused += one.refused;
        measured.limited += one.limited;
    }
    let took = started.elapsed();
    let count = u32::try_from(measured.latencies.count()).unwrap_or(u32::MAX);
    Ok(json!({
        "messages": count,
        "refused": measured.refused,
        "rate_limited": measured.limited,
        "elapsed_ms": millis(took),
        "per_second": (f64::from(count) / took.as_secs_f64() * 10.0).round() / 10.0,
        "latency": measured.latencies.summary(),
    }))
}

async fn send_all(
    mut sender: Sender,
    mut payload: Payload,
    txns: String,
    left: Arc<AtomicUsize>,
    ends: Option<Instant>,
    progress: Arc<Progress>,
) -> Result<Measured> {
    let mut measured = Measured::default();
    let mut in_a_row = 0;
    while ends.is_none_or(|ends| Instant::now() < ends) && take_one(&left) {
        let content = payload.message();
        let txn = txns.clone() + &sender.client.new_txn();
        let sent = Instant::now();
        let answer = sender.client.send_under(&sender.room, "m.room.message", &txn, &content);
        let answer = answer.await?;
        if answer.status.is_success() {
            measured.latencies.add(sent.elapsed());
            in_a_row = 0;
        } else {
            measured.refused += 1;
            measured.limited += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
            in_a_row += 1;
            ensure!(in_a_row < REFUSALS_MAX, "refused {in_a_row} times in a row: {answer}");
        }
        if ends.is_none() {
            progress.step();
        }
    }
    Ok(measured)
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}
