//! Destroying nine tenths of a room's messages while others are sent.
//!
//! Fills the log through the library with one busy room, nine tenths of it a month ago, starts the
//! server, and sends messages at a steady rate: for a while undisturbed, then while a run of the
//! policies destroys what is a week old. Prints how much longer the slowest hundredth of sends
//! takes, with and without the sends that met a stall of the disk itself, how long the run took, and
//! what the disk got back. Another number of entries:
//! `-- --entries N`. Every send with its time of day: `--samples FILE`.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/disk_stalls.rs"]
mod disk_stalls;
#[path = "../tests/support/harness.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod harness;
#[path = "../tests/support/officer.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod officer;
#[path = "support/verdict.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod verdict;
#[path = "support/written_log.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod written_log;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use disk_stalls::DiskStalls;
use event_log::{Log, LogOptions, SystemRandom};
use facts::Timestamp;
use harness::{matrix_client::MatrixClient, register, server::Server};
use http::Method;
use officer::Officer;
use serde_json::{Value, json};

use crate::written_log::WrittenLog;

const DAY_MS: u64 = 86_400_000;
const PEOPLE: usize = 20;
/// One room, in which everybody is.
const ROOMS: usize = 1;
/// A message is sent this often, each by its own task.
const EVERY: Duration = Duration::from_millis(10);
/// Sends without a run, at least, half of them before it and the others after, to compare with.
const UNDISTURBED: usize = 3_000;
/// Sends between two questions whether the run has come to its end.
const ROUND: usize = 100;
/// A run that takes longer has failed.
const RUN_MAX: Duration = Duration::from_mins(30);
/// Views of a million entries take minutes.
const READY_MAX: Duration = Duration::from_mins(20);
const STATUS: &str = "/_chancery/admin/v1/policies/run";
const WHY: [&str; 3] = ["--reason", "bench", "--yes"];

/// A send.
#[derive(Clone, Copy)]
struct Sample {
    at: SystemTime,
    took: Duration,
}

#[derive(Parser)]
struct Settings {
    /// Entries of the log.
    #[arg(long, default_value_t = 100_000)]
    entries: u64,
    /// Writes each send into this file: milliseconds since 1970, milliseconds taken, undisturbed
    /// or not.
    #[arg(long)]
    samples: Option<PathBuf>,
    /// Cargo says it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::parse();
    let mut server = Server::start_with("[retention]\nrun_every_minutes = 0").await?;
    server.stop_gracefully().await?;
    fs::remove_dir_all(server.data_dir())?;
    let data_dir = server.data_dir();
    // It blocks on the disk.
    tokio::task::spawn_blocking(move || fill(&data_dir, settings.entries)).await??;
    server.restart_in_trouble().await?;
    until_ready(&server).await?;
    let ann = register(&server, "ann").await?;
    register(&server, "ben").await?;
    let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
    ensure!(server.command(&set_up).await?.status.success(), "no officers");
    let room = ann.create_room(&json!({})).await?;
    let officer = Officer::new(&server, &ann)?;
    let file = server.data_dir().join("../week.toml");
    fs::write(&file, "[policy.week]\nrecords = [\"messages\"]\nkeep_at_most = \"7d\"\n")?;
    let file = file.to_str().context("a plain name")?;
    officer.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
    let before_bytes = bytes_in(&server.data_dir().join("log"))?;

    // The first ones meet cold caches, and what was filled in is still on its way to the disk.
    let stalls = DiskStalls::watch(server.data_dir().parent().context("a folder")?)?;
    rustix::fs::sync();
    sends(&ann, &room, UNDISTURBED / 3).await?;
    let mut quiet = sends(&ann, &room, UNDISTURBED / 2).await?;
    rustix::fs::sync();
    let started = Instant::now();
    let asked = officer.does(&[&["policy", "run", "--no-wait"][..], &WHY].concat()).await?;
    let (busy, last) = sends_until(&ann, &room, &asked["ticket"], started).await?;
    let took = started.elapsed();
    verdict::line(&format!("the run: {last}"));
    ensure!(last["orders"].as_u64().is_some_and(|orders| orders > 0), "nothing was destroyed");
    // Before and after, and as many as during the run, so that what else the machine does is on both
    // sides.
    let after = (UNDISTURBED / 2).max(busy.len().saturating_sub(quiet.len()));
    quiet.extend(sends(&ann, &room, after).await?);
    let after_bytes = bytes_in(&server.data_dir().join("log"))?;
    if let Some(path) = &settings.samples {
        write_samples(path, &quiet, &busy)?;
    }
    report(&quiet, &busy, took, &stalls);
    report_bytes(before_bytes, after_bytes);
    server.finish().await
}

/// The views of a long log are built first.
async fn until_ready(server: &Server) -> Result<()> {
    let (started, http) = (Instant::now(), server.http());
    while started.elapsed() < READY_MAX {
        if http.json(Method::GET, "/health", None, None).await?.status.is_success() {
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
    bail!("the server is not ready after {READY_MAX:?}")
}

/// Sends until the run that was asked for has come to its end; how long each took, and what the
/// run came to.
async fn sends_until(
    ann: &MatrixClient,
    room: &str,
    ticket: &Value,
    started: Instant,
) -> Result<(Vec<Sample>, Value)> {
    let ticket = ticket.as_u64().context("no ticket")?;
    let mut took = Vec::new();
    while started.elapsed() < RUN_MAX {
        took.extend(sends(ann, room, ROUND).await?);
        let status = ann.call(Method::GET, STATUS, None).await?.ok()?;
        if status["running"] != true && status["answered"].as_u64() >= Some(ticket) {
            let last = &status["last"];
            ensure!(last["failed"].is_null(), "the run failed: {last}");
            return Ok((took, last.clone()));
        }
    }
    bail!("the run has not ended after {RUN_MAX:?}")
}

fn report(quiet: &[Sample], busy: &[Sample], took: Duration, stalls: &DiskStalls) {
    let title = "send p99 while a run destroys nine tenths of a room";
    let during = format!("the run of {:.1} s", took.as_secs_f64());
    compare(title, quiet, busy, &during);
    let spared = |samples: &[Sample]| -> Vec<Sample> {
        let spared = samples.iter().filter(|one| !stalls.met(one.at, one.took));
        spared.copied().collect()
    };
    let (quiet_spared, busy_spared) = (spared(quiet), spared(busy));
    let without = format!(
        "it, without sends that met a stall of the disk itself, {} of {} undisturbed and {} of {} \
         others",
        quiet.len() - quiet_spared.len(),
        quiet.len(),
        busy.len() - busy_spared.len(),
        busy.len(),
    );
    compare("the same, on a disk without stalls", &quiet_spared, &busy_spared, &without);
}

fn compare(title: &str, quiet: &[Sample], busy: &[Sample], during: &str) {
    let rise = percentile(busy, 99).as_secs_f64() / percentile(quiet, 99).as_secs_f64() - 1.0;
    let three = |samples: &[Sample]| {
        let ms = [50, 98, 99].map(|of| percentile(samples, of).as_secs_f64() * 1e3);
        format!("p50 {:.2}, p98 {:.2}, p99 {:.2} ms", ms[0], ms[1], ms[2])
    };
    verdict::say(
        title,
        &format!(
            "{:+.0} % ({} undisturbed; {} in {} sends during {during})",
            rise * 100.0,
            three(quiet),
            three(busy),
            busy.len(),
        ),
        "< +10 %",
        rise < 0.10,
    );
}

fn report_bytes(before: u64, after: u64) {
    let mib = |bytes: u64| bytes / (1024 * 1024);
    verdict::say(
        "bytes of the log",
        &format!("{} MiB before, {} MiB after", mib(before), mib(after)),
        "fewer",
        after < before,
    );
}

/// Sends at a steady rate; how long each took.
async fn sends(client: &MatrixClient, room: &str, times: usize) -> Result<Vec<Sample>> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let mut tasks = Vec::new();
    let mut ticks = tokio::time::interval(EVERY);
    for _ in 0..times {
        ticks.tick().await;
        let (client, room) = (client.clone(), room.to_owned());
        tasks.push(tokio::spawn(async move {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let body = json!({ "msgtype": "m.text", "body": format!("message {serial}") });
            let (at, started) = (SystemTime::now(), Instant::now());
            let txn = format!("bench{serial}");
            client.send_under(&room, "m.room.message", &txn, &body).await?.ok()?;
            anyhow::Ok(Sample { at, took: started.elapsed() })
        }));
    }
    let mut took = Vec::new();
    for task in tasks {
        took.push(task.await??);
    }
    Ok(took)
}

fn write_samples(path: &Path, quiet: &[Sample], busy: &[Sample]) -> Result<()> {
    let named = quiet.iter().map(|one| (one, "undisturbed"));
    let mut lines = String::new();
    for (sample, when) in named.chain(busy.iter().map(|one| (one, "during"))) {
        let at = sample.at.duration_since(SystemTime::UNIX_EPOCH)?;
        let took = sample.took.as_secs_f64() * 1e3;
        writeln!(lines, "{}\t{took:.2}\t{when}", at.as_millis())?;
    }
    Ok(fs::write(path, lines)?)
}

fn percentile(samples: &[Sample], of_hundred: usize) -> Duration {
    let mut sorted: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() * of_hundred / 100).copied().unwrap_or_default()
}

/// Nine tenths of the entries a month ago, the rest now.
fn fill(data_dir: &Path, entries: u64) -> Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = u64::try_from(now.as_millis())?;
    let clock = Arc::new(AtomicU64::new(now - 30 * DAY_MS));
    let read = Arc::clone(&clock);
    let options = LogOptions::new(data_dir, "localhost");
    let log = Arc::new(Log::open(
        options,
        Arc::new(move || Timestamp(read.load(Ordering::Relaxed))),
        Arc::new(SystemRandom),
    )?);
    let mut written = WrittenLog::new(Arc::clone(&log), "localhost", PEOPLE, ROOMS);
    written.talk((entries * 9 / 10).saturating_sub(log.head().0 + 1));
    clock.store(now, Ordering::Relaxed);
    written.talk(entries / 10);
    log.close();
    Ok(())
}

fn bytes_in(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        bytes += if path.is_dir() { bytes_in(&path)? } else { fs::metadata(&path)?.len() };
    }
    Ok(bytes)
}
