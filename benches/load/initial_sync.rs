//! `/sync` without a token, by a user in several rooms with history.

use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    accounts, http_client::Http, matrix_client::MatrixClient, payload::Payload, progress::Progress,
    quantiles::Latencies, settings::Settings,
};

/// Rooms that are filled at the same time.
const AT_ONCE: usize = 8;

/// Fills the rooms and measures.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    let http = Http::new(&settings.server);
    let mut users = accounts::users(settings, &http, "reader", 2).await?;
    let (writer, mut reader) = (users.remove(0), users.remove(0));
    fill(settings, &writer, Some(&reader), settings.rooms).await?;

    let mut latencies = Latencies::default();
    let mut bytes = 0;
    let progress = Progress::start("initial sync", settings.repeats as u64);
    for _ in 0..settings.repeats {
        reader.since = None;
        let path = "/_matrix/client/v3/sync?timeout=0";
        let started = Instant::now();
        let answer = reader.call(http::Method::GET, path, None).await?;
        latencies.add(started.elapsed());
        bytes = answer.body.len();
        answer.ok()?;
        progress.step();
    }
    Ok(json!({
        "rooms": settings.rooms,
        "messages_a_room": settings.history,
        "bytes": bytes,
        "latency": latencies.summary(),
    }))
}

/// Makes rooms with `--history` messages in each; `reader` joins them. Gives the room ids.
pub(crate) async fn fill(
    settings: &Settings,
    writer: &MatrixClient,
    reader: Option<&MatrixClient>,
    rooms: usize,
) -> Result<Vec<String>> {
    let total = rooms.saturating_mul(settings.history);
    let progress = Progress::start("filling rooms", total as u64);
    let progress = &progress;
    stream::iter(0..rooms)
        .map(|number| async move {
            let name = format!("history {number}");
            let options = json!({ "preset": "public_chat", "name": name });
            let room = writer.create_room(&options).await?;
            if let Some(reader) = reader {
                reader.join(&room).await?;
            }
            let mut payload = Payload::new(settings.seed, number);
            for sent in 0..settings.history {
                let txn = format!("{}-fill-{room}-{sent}", writer.device_id);
                let content = payload.message();
                let answer = writer.send_under(&room, "m.room.message", &txn, &content).await?;
                answer.ok().context("filling the rooms")?;
                progress.step();
            }
            anyhow::Ok(room)
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
