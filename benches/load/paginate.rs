//! `/messages` backwards from the newest event to the first, page by page.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    accounts, http_client::Http, initial_sync::fill, matrix_client::MatrixClient,
    progress::Progress, quantiles::Latencies, settings::Settings,
};

/// Fills one room and measures.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    let http = Http::new(&settings.server);
    let writer = accounts::users(settings, &http, "pager", 1).await?.remove(0);
    let room = fill(settings, &writer, None, 1).await?.remove(0);
    let mut latencies = Latencies::default();
    let mut events = 0;
    let started = Instant::now();
    let progress = Progress::start("paginate", settings.repeats as u64);
    for _ in 0..settings.repeats {
        let messages = walk(&writer, &room, settings.page, &mut latencies, &mut events).await?;
        ensure!(
            messages == settings.history,
            "a walk saw {messages} messages of {}",
            settings.history
        );
        progress.step();
    }
    let took = started.elapsed().as_secs_f64();
    let count = u32::try_from(events).unwrap_or(u32::MAX);
    Ok(json!({
        "walks": settings.repeats,
        "events": events,
        "events_per_second": (f64::from(count) / took).round(),
        "page_latency": latencies.summary(),
    }))
}

/// One walk; gives how many messages it saw.
async fn walk(
    client: &MatrixClient,
    room: &str,
    limit: u32,
    latencies: &mut Latencies,
    events: &mut usize,
) -> Result<usize> {
    let mut messages = 0;
    let mut from: Option<String> = None;
    loop {
        let started = Instant::now();
        let page = client.page(room, "b", from.as_deref(), limit).await?;
        latencies.add(started.elapsed());
        let chunk = page["chunk"].as_array().context("a page has a chunk")?;
        *events += chunk.len();
        messages += chunk.iter().filter(|event| event["type"] == "m.room.message").count();
        let Some(end) = page.get("end").and_then(Value::as_str) else {
            return Ok(messages);
        };
        ensure!(from.as_deref() != Some(end), "a page token that does not move: {end}");
        from = Some(end.to_owned());
    }
}
