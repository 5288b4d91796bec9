//! Disks that lie: a bit that flips in the log's files is named by `chancery log verify` and found
//! by `chancery serve`, at its start or by its scrub; a last write that broke off anywhere costs
//! nothing but itself.
//!
//! `CHANCERY_DAMAGE_SEED` repeats a run.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use event_log::{Log, LogOptions, SystemRandom};
use facts::Timestamp;
use harness::{
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

/// Flips that `log verify` must name.
const FLIPS: usize = 40;

/// Flips before which a server is started: each costs a start.
const STARTS: usize = 3;

/// Cuts of the last write at which `log verify` is asked, and at which a server is started.
const CUTS_VERIFIED: usize = 40;
const CUTS_STARTED: usize = 6;

/// A server that has neither ended nor begun to refuse by then has not noticed.
const SENDS_MAX: usize = 5_000;
const START_MAX: Duration = Duration::from_mins(1);

const MESSAGES: usize = 30;

/// A room and the messages in it that were acknowledged: transaction and event id.
struct Told {
    client: MatrixClient,
    room: String,
    said: Vec<(String, String)>,
}

impl Told {
    async fn begin(server: &Server) -> Result<Self> {
        let client = register(server, "alice").await?;
        let room = client.create_room(&json!({ "preset": "public_chat" })).await?;
        let mut told = Self { client, room, said: Vec::new() };
        told.go_on(MESSAGES).await?;
        Ok(told)
    }

    async fn go_on(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let txn = self.client.new_txn();
            let id = self.send(&txn).await?;
            self.said.push((txn, id));
        }
        Ok(())
    }

    async fn send(&self, txn: &str) -> Result<String> {
        let content = json!({ "msgtype": "m.text", "body": txn });
        let answer = self.client.send_under(&self.room, "m.room.message", txn, &content).await?;
        text(&answer.ok()?, "event_id")
    }

    /// Every message is there once, in order and with its text.
    async fn whole(&self) -> Result<()> {
        let history = self.client.history(&self.room, 100).await?;
        let messages = history.iter().filter(|event| event["type"] == "m.room.message");
        let found =
            messages.map(|event| Ok((text(&event["content"], "body")?, text(event, "event_id")?)));
        let found: Vec<(String, String)> = found.collect::<Result<_>>()?;
        ensure!(found == self.said, "said {:?}, found {found:?}", self.said);
        Ok(())
    }
}

fn random() -> Result<(u64, StdRng)> {
    let given = std::env::var("CHANCERY_DAMAGE_SEED").ok();
    let seed = given.map(|text| text.parse()).transpose()?.unwrap_or(0x0dd_b175);
    Ok((seed, StdRng::seed_from_u64(seed)))
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}

fn segments_dir(server: &Server) -> PathBuf {
    server.data_dir().join("log/segments")
}

/// The segments, oldest first.
fn segments(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Closed segments are read-only; damage asks nobody.
fn overwrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let mode = fs::metadata(path)?.permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    fs::write(path, bytes)?;
    fs::set_permissions(path, mode)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.is_file() {
            // What is left out is the operator's socket.
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Where the last write of the log begins in the last segment: of one that lacks its last byte,
/// all that is left is torn.
fn last_write(dir: &Path) -> Result<usize> {
    let segment = segments(dir)?.pop().context("no segment")?;
    let bytes = fs::read(&segment)?;
    overwrite(&segment, &bytes[..bytes.len() - 1])?;
    let report = event_log::verify(dir, None)?;
    overwrite(&segment, &bytes)?;
    ensure!(report.ok && report.torn_tail_bytes > 0, "{report:?}");
    Ok(bytes.len() - 1 - usize::try_from(report.torn_tail_bytes)?)
}

/// Starts the log with so small segments that the one written to is closed, and begins another.
fn roll(server: &Server) -> Result<()> {
    let mut options = LogOptions::new(server.data_dir(), "localhost");
    options.segment_bytes = 1;
    let log = Log::open(options, Arc::new(now), Arc::new(SystemRandom))?;
    log.close();
    Ok(())
}

/// A bit of a file.
#[derive(Debug)]
struct Place {
    segment: PathBuf,
    byte: usize,
    bit: u8,
    whole: Vec<u8>,
}

impl Place {
    /// Any bit but of the last write, which may be torn.
    fn any(dir: &Path, segments: &[PathBuf], random: &mut StdRng) -> Result<Self> {
        let last = segments.last().context("no segment")?;
        loop {
            let segment = segments[random.random_range(0..segments.len())].clone();
            let whole = fs::read(&segment)?;
            let end = if segment == *last { last_write(dir)? } else { whole.len() };
            if end > 0 {
                let byte = random.random_range(0..end);
                return Ok(Self { segment, byte, bit: random.random_range(0..8), whole });
            }
        }
    }

    fn flip(&self) -> Result<()> {
        let mut bytes = self.whole.clone();
        bytes[self.byte] ^= 1 << self.bit;
        overwrite(&self.segment, &bytes)
    }

    fn mend(&self) -> Result<()> {
        overwrite(&self.segment, &self.whole)
    }

    fn name(&self) -> Result<&str> {
        self.segment.file_name().and_then(|name| name.to_str()).context("a plain name")
    }
}

/// `log verify --json` over a damaged log: exit code 1 and the fault.
async fn fault(server: &Server) -> Result<Value> {
    let output = server.command(&["log", "verify", "--json"]).await?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(output.status.code() == Some(1) && report["ok"] == false, "unnoticed: {report}");
    let fault = report["fault"].clone();
    ensure!(fault["position"] == report["entries"], "entries before it are whole: {report}");
    Ok(fault)
}

/// The fault is where the flipped bit is, and all before it is whole.
async fn named(server: &Server, place: &Place) -> Result<()> {
    let fault = fault(server).await?;
    ensure!(fault["segment"] == place.name()?, "{fault}");
    let offset = usize::try_from(fault["offset"].as_u64().context("an offset")?)?;
    ensure!(offset <= place.byte, "{fault}");
    let position = fault["position"].as_u64().context("a position")?;
    // Of the segment so long as it is before the fault, the log's end is right before it.
    let part = tempfile::tempdir()?;
    for segment in segments(&segments_dir(server))? {
        let name = segment.file_name().context("a file")?;
        let bytes =
            if segment == place.segment { &place.whole[..offset] } else { &fs::read(&segment)? };
        fs::write(part.path().join(name), bytes)?;
        if segment == place.segment {
            break;
        }
    }
    let before = event_log::verify(part.path(), None)?;
    ensure!(before.ok && before.entries == position, "{fault}, but before it {before:?}");
    Ok(())
}

/// Starts a server on the damaged log: it says where the fault is and ends, or goes on until its
/// scrub finds it and writes nothing more. Nothing that is acknowledged meanwhile may be lost.
async fn found_by_serve(server: &mut Server, told: &mut Told, place: &Place) -> Result<()> {
    let name = place.name()?;
    let started = tokio::time::timeout(START_MAX, server.restart_in_trouble()).await?;
    if let Err(refused) = started {
        let said = format!("{refused:#}");
        let all = [name, "offset", "position"].iter().all(|word| said.contains(word));
        ensure!(all, "refused without saying where: {said}");
        return Ok(());
    }
    for sends in 0.. {
        ensure!(sends < SENDS_MAX, "{sends} messages were taken");
        let txn = told.client.new_txn();
        let content = json!({ "msgtype": "m.text", "body": txn });
        let room = &told.room;
        let answer = told.client.send_under(room, "m.room.message", &txn, &content).await?;
        if answer.status.as_u16() == 503 {
            break;
        }
        told.said.push((txn, text(&answer.ok()?, "event_id")?));
    }
    told.client.get("/v3/account/whoami").await.context("reads go on")?;
    server.kill_9().await?;
    let said = server.output_tail();
    ensure!(said.contains(name), "the scrub did not say where: {said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_named_by_verify_and_found_by_serve() -> Result<()> {
    let (seed, mut random) = random()?;
    let mut server = Server::start().await?;
    let mut told = Told::begin(&server).await?;
    server.stop_gracefully().await?;
    roll(&server)?;
    server.restart().await?;
    told.go_on(MESSAGES).await?;
    server.stop_gracefully().await?;
    let dir = segments_dir(&server);
    let all = segments(&dir)?;
    let (closed, active) = all.split_at(all.len() - 1);
    ensure!(!closed.is_empty(), "no segment is closed");
    for _ in 0..FLIPS {
        let place = Place::any(&dir, &all, &mut random)?;
        place.flip()?;
        named(&server, &place).await.with_context(|| {
            format!(
                "{} of {:?} bit {}; CHANCERY_DAMAGE_SEED={seed}",
                place.byte, place.segment, place.bit
            )
        })?;
        place.mend()?;
    }
    for part in [closed, active] {
        for _ in 0..STARTS {
            let place = loop {
                let place = Place::any(&dir, &all, &mut random)?;
                if part.contains(&place.segment) {
                    break place;
                }
            };
            place.flip()?;
            found_by_serve(&mut server, &mut told, &place).await.with_context(|| {
                format!(
                    "{} of {:?} bit {}; CHANCERY_DAMAGE_SEED={seed}",
                    place.byte, place.segment, place.bit
                )
            })?;
            mend_and_look(&mut server, &told, &place).await?;
        }
    }
    server.restart().await?;
    server.finish().await
}

/// With the bit as it was, everything is there. The active segment may have grown meanwhile.
async fn mend_and_look(server: &mut Server, told: &Told, place: &Place) -> Result<()> {
    let mut bytes = fs::read(&place.segment)?;
    bytes[place.byte] ^= 1 << place.bit;
    overwrite(&place.segment, &bytes)?;
    server.restart().await?;
    told.whole().await?;
    server.stop_gracefully().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_write_cut_anywhere_costs_nothing_but_itself() -> Result<()> {
    let (seed, mut random) = random()?;
    let mut server = Server::start().await?;
    let mut told = Told::begin(&server).await?;
    server.kill_9().await?;
    let (last_txn, last_id) = told.said.pop().context("something was said")?;
    let dir = segments_dir(&server);
    let segment = segments(&dir)?.pop().context("no segment")?;
    let (start, bytes) = (last_write(&dir)?, fs::read(&segment)?);
    let whole = tempfile::tempdir()?;
    copy(&server.data_dir(), whole.path())?;
    let before = server.verify_log().await?;
    let stride = ((bytes.len() - start) / CUTS_VERIFIED).max(1);
    let mut cuts: Vec<usize> = (start..bytes.len()).step_by(stride).collect();
    for cut in &cuts {
        fs::write(&segment, &bytes[..*cut])?;
        let report = server.verify_log().await.with_context(|| format!("cut at {cut}"))?;
        ensure!(report["torn_tail_bytes"] == *cut - start, "cut at {cut}: {report}");
        ensure!(report["head"].as_u64() < before["head"].as_u64(), "cut at {cut}: {report}");
    }
    cuts.shuffle(&mut random);
    for cut in cuts.into_iter().take(CUTS_STARTED) {
        fs::remove_dir_all(server.data_dir())?;
        copy(whole.path(), &server.data_dir())?;
        fs::write(&segment, &bytes[..cut])?;
        let lost = (last_txn.as_str(), last_id.as_str());
        after_cut(&mut server, &told, lost)
            .await
            .with_context(|| format!("cut at {cut}; CHANCERY_DAMAGE_SEED={seed}"))?;
    }
    server.restart().await?;
    server.finish().await
}

/// All before the cut is there; what was cut can be said again, once, and outlives a restart.
async fn after_cut(server: &mut Server, told: &Told, lost: (&str, &str)) -> Result<()> {
    server.restart().await?;
    told.whole().await?;
    let id = told.send(lost.0).await?;
    ensure!(told.send(lost.0).await? == id, "a retry gave another event");
    server.kill_9().await?;
    server.restart().await?;
    let mut said = told.said.clone();
    said.push((lost.0.to_owned(), id));
    let again = Told { client: told.client.clone(), room: told.room.clone(), said };
    again.whole().await?;
    server.stop_gracefully().await?;
    server.verify_log().await?;
    Ok(())
}
