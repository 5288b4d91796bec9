//! One sender at a steady rate and receivers that wait in long polls: how long from the sending of
//! a message until each receiver has it.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    accounts,
    http_client::{Http, encode},
    matrix_client::MatrixClient,
    payload::Payload,
    process,
    progress::Progress,
    quantiles::Latencies,
    settings::Settings,
};

/// How long the server may hold a poll, in milliseconds.
pub(crate) const POLL_MS: u32 = 30_000;

/// For the last messages to arrive after the last was sent.
pub(crate) const TAIL: Duration = Duration::from_secs(30);

/// Timeline events of one poll: enough that none is limited at the rates in question.
const FILTER: &str = r#"{"room":{"timeline":{"limit":500}},"presence":{"not_types":["*"]}}"#;

/// When each message was seen, by event id.
type Seen = HashMap<String, Instant>;

/// Makes the room and measures.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    ensure!(settings.receivers > 0 && settings.rate > 0, "there must be receivers and a rate");
    let http = Http::new(&settings.server);
    let sender = accounts::users(settings, &http, "speaker", 1).await?.remove(0);
    let receivers = accounts::users(settings, &http, "listener", settings.receivers).await?;
    let room = sender.create_room(&json!({ "preset": "public_chat", "name": "news" })).await?;
    for receiver in &receivers {
        receiver.join(&room).await.context("joining")?;
    }

    let (all_sent, done) = watch::channel(None::<usize>);
    let mut tasks = JoinSet::new();
    for mut receiver in receivers {
        // The first sync is not measured; the polls start where it ends.
        receiver.sync_with(0, &filter()).await?;
        tasks.spawn(receive(receiver, room.clone(), done.clone()));
    }
    let before = process::Usage::of(settings.server_pid)?;
    let sent = speak(settings, sender, &room).await?;
    all_sent.send_replace(Some(sent.len()));

    let mut delivery = Latencies::default();
    let (mut missing, mut polls) = (0, 0);
    while let Some(outcome) = tasks.join_next().await {
        let (seen, polled) = outcome.context("a receiver ended early")??;
        polls += polled;
        for (event_id, at) in &sent {
            match seen.get(event_id) {
                Some(seen) => delivery.add(seen.duration_since(*at)),
                None => missing += 1,
            }
        }
    }
    let after = process::Usage::of(settings.server_pid)?;
    Ok(json!({
        "server_cpu_ms": process::cpu_ms_each(before.as_ref(), after.as_ref(), sent.len()),
        "messages": sent.len(),
        "expected_deliveries": sent.len() * settings.receivers,
        "missing_deliveries": missing,
        "polls": polls,
        "measured_from": "the start of the send request",
        "latency": delivery.summary(),
    }))
}

pub(crate) fn filter() -> String {
    format!("&filter={}", encode(FILTER))
}

/// Sends on a fixed beat, whether or not the answers have come: a slow server must not slow its
/// own measuring.
async fn speak(
    settings: &Settings,
    mut sender: MatrixClient,
    room: &str,
) -> Result<Vec<(String, Instant)>> {
    let beat = Duration::from_secs(1) / settings.rate;
    let by_time = settings.duration.saturating_mul(u64::from(settings.rate));
    let count = settings.messages.unwrap_or(usize::try_from(by_time).unwrap_or(usize::MAX));
    let progress = Arc::new(Progress::start("deliver", count as u64));
    let mut payload = Payload::new(settings.seed, 0);
    let prefix = format!("{}-", sender.device_id);
    let mut plan = Vec::with_capacity(count.min(1_000_000));
    for _ in 0..count {
        plan.push((prefix.clone() + &sender.new_txn(), payload.message()));
    }
    let sender = Arc::new(sender);
    let beats = stream::unfold(tokio::time::interval(beat), |mut clock| async move {
        clock.tick().await;
        Some(((), clock))
    });
    let in_flight = usize::try_from(settings.rate).unwrap_or(usize::MAX).max(16);
    stream::iter(plan)
        .zip(beats)
        .map(|((txn, content), ())| {
            let (sender, room) = (Arc::clone(&sender), room.to_owned());
            let progress = Arc::clone(&progress);
            async move {
                let at = Instant::now();
                let answer = sender.send_under(&room, "m.room.message", &txn, &content).await?;
                progress.step();
                Ok((crate::matrix_client::text(&answer.ok()?, "event_id")?, at))
            }
        })
        .buffered(in_flight)
        .try_collect()
        .await
}

/// Polls until it has as many messages as were sent, or nothing more comes in time.
async fn receive(
    mut receiver: MatrixClient,
    room: String,
    mut done: watch::Receiver<Option<usize>>,
) -> Result<(Seen, usize)> {
    let mut seen = Seen::new();
    let mut polls = 0;
    let mut ends: Option<tokio::time::Instant> = None;
    loop {
        if let Some(sent) = *done.borrow_and_update() {
            if seen.len() >= sent {
                return Ok((seen, polls));
            }
            ends.get_or_insert_with(|| tokio::time::Instant::now() + TAIL);
        }
        let filter = filter();
        let late = async {
            match ends {
                Some(ends) => tokio::time::sleep_until(ends).await,
                None => std::future::pending().await,
            }
        };
        let waiting = ends.is_none();
        let answer = tokio::select! {
            answer = receiver.sync_with(POLL_MS, &filter) => answer?,
            () = late => return Ok((seen, polls)),
            // A poll that is given up is asked again from the same token: nothing is lost.
            _ = done.changed(), if waiting => continue,
        };
        let at = Instant::now();
        polls += 1;
        let events = answer["rooms"]["join"][&room]["timeline"]["events"].as_array();
        for event in events.into_iter().flatten() {
            if event["type"] == "m.room.message"
                && let Some(id) = event["event_id"].as_str()
            {
                seen.entry(id.to_owned()).or_insert(at);
            }
        }
    }
}
