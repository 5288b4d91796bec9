//! What a message and an incremental sync cost as the server grows: at 1, 10 and 100 times the
//! history, with more rooms and people each time.
//!
//! A quarter of the history goes into one room, in which everything is measured, the rest is
//! spread over the others: so that room's own history grows as well. Sixteen senders over four
//! rooms are always the same, whatever else there is; so is the reader of the syncs, who has seen
//! all but one message. Nothing of that may grow.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    accounts,
    http_client::{Http, encode},
    matrix_client::MatrixClient,
    payload::Payload,
    process::{self, Usage},
    progress::Progress,
    quantiles::Latencies,
    send::{self, Sender},
    settings::Settings,
};

/// How often the history, rooms and people of the first step; people cost a password hash each.
const STEPS: [Step; 3] = [
    Step { factor: 1, what: "curve-1x", rooms: 10, people: 20 },
    Step { factor: 10, what: "curve-10x", rooms: 100, people: 60 },
    Step { factor: 100, what: "curve-100x", rooms: 1_000, people: 200 },
];
/// Rooms that the measured senders share.
const MEASURED_ROOMS: usize = 4;
/// Measured messages of a step, and measured answers of `/sync`.
const SENDS: usize = 10_000;
const SYNCS: usize = 1_000;
/// Members of a room that only fills the server.
const MEMBERS: usize = 10;
/// Requests at the same time while filling.
const AT_ONCE: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Step {
    factor: usize,
    /// Keeps its transactions apart from those of the other steps.
    what: &'static str,
    rooms: usize,
    people: usize,
}

/// The server as it has been filled.
struct Filled {
    people: Vec<MatrixClient>,
    rooms: Vec<(String, Vec<usize>)>,
    messages: usize,
}

/// Fills and measures, step by step.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    let http = Http::new(&settings.server);
    let senders = measured_senders(settings, &http).await?;
    let reader = accounts::users(settings, &http, "curve-reader", 1).await?.remove(0);
    let room = senders.first().context("there are senders")?.room.clone();
    reader.join(&room).await?;

    let mut filled = Filled { people: Vec::new(), rooms: Vec::new(), messages: 0 };
    let mut points = Vec::new();
    for step in STEPS {
        fill(settings, &http, step, &senders, &mut filled).await?;
        let mut point = measure(settings, step, &senders, &reader).await?;
        point["factor"] = json!(step.factor);
        point["messages"] = json!(filled.messages);
        point["rooms"] = json!(filled.rooms.len() + MEASURED_ROOMS);
        point["people"] = json!(filled.people.len() + senders.len() + 1);
        filled.messages += SENDS + 1;
        points.push(point);
    }
    print_table(&points);
    Ok(json!({ "points": points, "growth": growth(&points) }))
}

async fn measured_senders(settings: &Settings, http: &Http) -> Result<Vec<Sender>> {
    let count = settings.senders.max(MEASURED_ROOMS);
    let clients = accounts::users(settings, http, "curve-sender", count).await?;
    let mut rooms = Vec::with_capacity(MEASURED_ROOMS);
    for creator in clients.iter().take(MEASURED_ROOMS) {
        rooms.push(creator.create_room(&json!({ "preset": "public_chat" })).await?);
    }
    let mut senders = Vec::with_capacity(count);
    for (number, client) in clients.into_iter().enumerate() {
        let room = rooms[number % MEASURED_ROOMS].clone();
        if number >= MEASURED_ROOMS {
            client.join(&room).await?;
        }
        senders.push(Sender { client, room });
    }
    Ok(senders)
}

/// Brings people, rooms and messages up to what the step wants.
async fn fill(
    settings: &Settings,
    http: &Http,
    step: Step,
    senders: &[Sender],
    filled: &mut Filled,
) -> Result<()> {
    let newcomers = step.people.saturating_sub(filled.people.len());
    let role = format!("{}-person", step.what);
    filled.people.extend(accounts::users(settings, http, &role, newcomers).await?);
    let people = &filled.people;
    let first = filled.rooms.len();
    let new: Vec<_> = stream::iter(first..step.rooms)
        .map(|number| async move {
            let creator = &people[number % people.len()];
            let room = creator.create_room(&json!({ "preset": "public_chat" })).await?;
            let members: Vec<usize> = (0..MEMBERS).map(|i| (number + i) % people.len()).collect();
            for member in &members[1..] {
                people[*member].join(&room).await?;
            }
            anyhow::Ok((room, members))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    filled.rooms.extend(new);

    let wanted = settings.curve_messages.saturating_mul(step.factor);
    let missing = wanted.saturating_sub(filled.messages);
    let progress = Progress::start("filling the server", missing as u64);
    let (progress, rooms, before) = (&progress, &filled.rooms, filled.messages);
    stream::iter(0..missing)
        .map(|number| async move {
            let mut payload = Payload::new(settings.seed, before + number);
            let (client, room) = if number % 4 == 0 {
                let sender = &senders[0];
                (&sender.client, &sender.room)
            } else {
                let (room, members) = &rooms[number % rooms.len()];
                (&people[members[number % members.len()]], room)
            };
            let txn = format!("{}-{}-{number}", step.what, client.device_id);
            let content = payload.message();
            client.send_under(room, "m.room.message", &txn, &content).await?.ok()?;
            progress.step();
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await
        .context("filling the server")?;
    filled.messages += missing;
    Ok(())
}

async fn measure(
    settings: &Settings,
    step: Step,
    senders: &[Sender],
    reader: &MatrixClient,
) -> Result<Value> {
    // What filling has put off (merging of tables) belongs to filling.
    process::wait_for_rest(settings.server_pid).await?;
    let log_before = log_bytes(settings.data_dir.as_deref())?;
    let before = Usage::of(settings.server_pid)?;
    let measured = settings.sending(SENDS);
    let mut send = send::measure(&measured, senders.to_vec(), step.what).await?;
    let after = Usage::of(settings.server_pid)?;
    send["server"] = process::spent(before.as_ref(), after.as_ref());
    send["server_cpu_ms"] = process::cpu_ms_each(before.as_ref(), after.as_ref(), SENDS);
    let log_after = log_bytes(settings.data_dir.as_deref())?;
    send["log_bytes_a_message"] = match (log_before, log_after) {
        (Some(before), Some(after)) => json!(after.saturating_sub(before) / SENDS as u64),
        _ => Value::Null,
    };
    let sync = incremental_sync(settings, &senders[0], reader).await?;
    Ok(json!({ "send": send, "incremental_sync": sync, "log_bytes": log_after }))
}

/// The same token again and again: every answer has the same one message.
async fn incremental_sync(
    settings: &Settings,
    sender: &Sender,
    reader: &MatrixClient,
) -> Result<Value> {
    let mut reader = reader.clone();
    reader.since = None;
    reader.sync(0).await?;
    let since = reader.since.clone().context("the first sync gave a token")?;
    let txn = format!("{}-news-{since}", sender.client.device_id);
    let content = Payload::new(settings.seed, 0).message();
    sender.client.send_under(&sender.room, "m.room.message", &txn, &content).await?.ok()?;
    let path = format!("/_matrix/client/v3/sync?timeout=0&since={}", encode(&since));
    let before = Usage::of(settings.server_pid)?;
    let mut latencies = Latencies::default();
    for _ in 0..SYNCS {
        let started = Instant::now();
        let answer = reader.call(http::Method::GET, &path, None).await?;
        latencies.add(started.elapsed());
        let answer = answer.ok()?;
        let events = &answer["rooms"]["join"][&sender.room]["timeline"]["events"];
        ensure!(events.as_array().map(Vec::len) == Some(1), "not one message: {answer}");
    }
    let after = Usage::of(settings.server_pid)?;
    Ok(json!({
        "latency": latencies.summary(),
        "server_cpu_ms": process::cpu_ms_each(before.as_ref(), after.as_ref(), SYNCS),
    }))
}

/// Bytes of the segments of a log, where its directory is given.
fn log_bytes(data_dir: Option<&Path>) -> Result<Option<u64>> {
    let Some(data_dir) = data_dir else { return Ok(None) };
    let segments = data_dir.join("log").join("segments");
    let named = || format!("reading {}", segments.display());
    let mut bytes = 0;
    for entry in std::fs::read_dir(&segments).with_context(named)? {
        bytes += entry.and_then(|entry| entry.metadata()).with_context(named)?.len();
    }
    Ok(Some(bytes))
}

/// What the last point has, as a multiple of the first.
fn growth(points: &[Value]) -> Value {
    let ratio = |pointer: &str| {
        let first = points.first()?.pointer(pointer)?.as_f64()?;
        let last = points.last()?.pointer(pointer)?.as_f64()?;
        (first > 0.0).then(|| (last / first * 100.0).round() / 100.0)
    };
    json!({
        "send_p50": ratio("/send/latency/p50_ms"),
        "send_server_cpu": ratio("/send/server_cpu_ms"),
        "send_rate": ratio("/send/per_second"),
        "incremental_sync_p50": ratio("/incremental_sync/latency/p50_ms"),
        "incremental_sync_server_cpu": ratio("/incremental_sync/server_cpu_ms"),
    })
}

/// For people; the report on standard output is for programs.
fn print_table(points: &[Value]) {
    eprintln!("history messages rooms people | sends/s  p50 ms cpu ms | sync p50 ms cpu ms");
    for point in points {
        let text = |pointer: &str| match point.pointer(pointer) {
            None | Some(Value::Null) => "-".to_owned(),
            Some(value) => value.to_string(),
        };
        eprintln!(
            "{:>6}x {:>8} {:>5} {:>6} | {:>7} {:>7} {:>6} | {:>11} {:>6}",
            text("/factor"),
            text("/messages"),
            text("/rooms"),
            text("/people"),
            text("/send/per_second"),
            text("/send/latency/p50_ms"),
            text("/send/server_cpu_ms"),
            text("/incremental_sync/latency/p50_ms"),
            text("/incremental_sync/server_cpu_ms"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_last_point_over_the_first_and_null_without_figures() {
        let point = |p50: f64, cpu: Value| {
            json!({
                "send": { "latency": { "p50_ms": p50 }, "server_cpu_ms": cpu, "per_second": 10.0 },
            })
        };
        let growth =
            growth(&[point(2.0, json!(0.5)), point(9.0, json!(0.1)), point(3.0, json!(1.0))]);
        assert_eq!(growth["send_p50"], 1.5);
        assert_eq!(growth["send_server_cpu"], 2.0);
        assert_eq!(growth["send_rate"], 1.0);
        assert_eq!(growth["incremental_sync_p50"], Value::Null);
    }

    #[test]
    fn log_bytes_are_those_of_all_segments() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let segments = dir.path().join("log/segments");
        std::fs::create_dir_all(&segments)?;
        std::fs::write(segments.join("0.seg"), [0; 100])?;
        std::fs::write(segments.join("1.seg"), [0; 20])?;
        assert_eq!(log_bytes(Some(dir.path()))?, Some(120));
        assert_eq!(log_bytes(None)?, None);
        Ok(())
    }
}
