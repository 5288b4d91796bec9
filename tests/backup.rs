//! Backup beside a running server and restore elsewhere, by the command line: under load, with an
//! erasure that came after the backup, with a hold, killed at random moments, on a full disk; and
//! going on with a data directory that was rolled back.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "each test uses its own part")]
mod officer;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use event_log::{Log, LogOptions, ShredRequest, SystemRandom};
use facts::{
    Fact, KeyEpoch, LogPosition, RecordClass, StreamId, Timestamp,
    fact::{KeyRange, ShredCause},
};
use harness::{
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    timeline, two_in_a_room,
};
use officer::{Officer, stderr};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinHandle};

const FILE: &[u8] = b"minutes of a meeting";
/// In blocks of 512 bytes: 100 KiB.
const FILE_BLOCKS: u32 = 200;
/// A run is killed after a random part of this.
const RUN_MS: u64 = 120;
const KILLS: u64 = 12;

/// One test at a time: this process opens data directories itself, and a child that another test
/// starts at that moment would hold their lease until it has become another program.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Where backups of a test go.
struct Places {
    dir: TempDir,
}

impl Places {
    fn new() -> Result<Self> {
        Ok(Self { dir: TempDir::with_prefix("chancery-backup-")? })
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn backup(&self) -> Vec<String> {
        words(&["backup", "--to", &self.at("log"), "--keyring-to", &self.at("keys"), "--json"])
    }

    fn restore(&self, to: &str, more: &[&str]) -> Vec<String> {
        let (log, keys, to) = (self.at("log"), self.at("keys"), self.at(to));
        let mut line = vec!["restore", "--from", &log, "--keyring-from", &keys, "--to", &to];
        line.extend(["--json", "--yes"]);
        line.extend(more);
        words(&line)
    }
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

async fn run(server: &Server, line: &[String]) -> Result<Output> {
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    server.command(&line).await
}

/// A command that goes well; its answer.
async fn does(server: &Server, line: &[String]) -> Result<Value> {
    let output = run(server, line).await?;
    ensure!(output.status.success(), "{line:?}: {}", stderr(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A command that is refused, with words and what to do.
async fn refused(server: &Server, line: &[String], said: &str) -> Result<()> {
    let output = run(server, line).await?;
    let words = stderr(&output);
    ensure!(output.status.code() == Some(1), "{line:?}: {} {words}", output.status);
    ensure!(words.contains(said) && words.contains("What to do"), "{line:?}: {words}");
    Ok(())
}

/// `chancery verify` of a backup, which must be right.
async fn verifies(server: &Server, places: &Places) -> Result<Value> {
    let key = run(server, &words(&["ledger", "key"])).await?;
    let key = String::from_utf8(key.stdout)?.trim().to_owned();
    let (log, keys) = (places.at("log"), places.at("keys"));
    let line = words(&["verify", &log, "--key", &key, "--keys-dir", &keys, "--json"]);
    does(server, &line).await
}

fn open(data_dir: &Path) -> Result<Log> {
    let options = LogOptions::new(data_dir, "localhost");
    Ok(Log::open(options, Arc::new(now), Arc::new(SystemRandom))?)
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}

/// Destroys a person's key tree, as an erasure does, while the server is down.
fn erase(data_dir: &Path, user: &str) -> Result<LogPosition> {
    let log = open(data_dir)?;
    let entries = log.read_range(LogPosition(0), event_log::RANGE_ENTRIES_MAX, usize::MAX)?;
    let opened = |entry: &&event_log::Entry| matches!(entry.fact(), Ok(Some(Fact::StreamOpened(opened))) if opened.name == user);
    let person: StreamId = entries.iter().find(opened).context("the person")?.header.stream;
    let content = |part: &&facts::PartHeader| part.class == RecordClass::MessageContent;
    let said = entries.iter().filter(|entry| entry.header.actor == person);
    let tree = said.flat_map(|entry| &entry.header.parts).find(content).context("a message")?;
    let range = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree: tree.person_tree.0,
        leaf_first: 0,
        leaf_last: u32::MAX,
    };
    let request = ShredRequest {
        ranges: vec![range],
        cause: ShredCause::Erasure,
        expects: Vec::new(),
        scavenging: event_log::Scavenging::All,
    };
    let receipt = log.order_shred(request, |_| Vec::new())?;
    log.close();
    Ok(receipt.order)
}

/// Somebody who writes until told to end; gives the ids of what was acknowledged.
fn load(
    client: &MatrixClient,
    room: &str,
    end: &Arc<AtomicBool>,
) -> JoinHandle<Result<Vec<String>>> {
    let (client, room, end) = (client.clone(), room.to_owned(), Arc::clone(end));
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        while !end.load(Ordering::SeqCst) {
            let txn = format!("load-{}", acknowledged.len());
            let content = json!({ "msgtype": "m.text", "body": txn });
            let sent = client.send_under(&room, "m.room.message", &txn, &content).await?.ok()?;
            acknowledged.push(text(&sent, "event_id")?);
        }
        Ok(acknowledged)
    })
}

/// Event ids and bodies as `client` sees them by walking a room from its end.
async fn seen(client: &MatrixClient, room: &str) -> Result<Vec<(String, Option<String>)>> {
    let events = client.history(room, 100).await?;
    let message = |event: &&Value| event["type"] == "m.room.message";
    let pair = |event: &Value| {
        let body = event["content"]["body"].as_str().map(str::to_owned);
        Ok((text(event, "event_id")?, body))
    };
    events.iter().filter(message).map(pair).collect()
}

/// The data directory of a server that is down gives way to a restored one.
fn exchange(server: &Server, restored: &str) -> Result<PathBuf> {
    let aside = server.data_dir().with_file_name("aside");
    fs::rename(server.data_dir(), &aside)?;
    let moved = fs::rename(restored, server.data_dir());
    moved.context("temporary directories are on one file system")?;
    Ok(aside)
}

/// What is to be seen after the restore: `erased` as events without what they said, `his` whole,
/// `later` not at all, everything once.
fn check_told(
    told: &[(String, Option<String>)],
    erased: &[String],
    his: &[String],
    later: &str,
) -> Result<()> {
    let ids: BTreeSet<&str> = told.iter().map(|(id, _)| id.as_str()).collect();
    ensure!(ids.len() == told.len() && !ids.contains(later), "exactly once");
    for id in his {
        let whole = told.iter().any(|(seen, body)| seen == id && body.is_some());
        ensure!(whole, "{id} was acknowledged before the backup");
    }
    for id in erased {
        let empty = told.iter().any(|(seen, body)| seen == id && body.is_none());
        ensure!(empty, "{id} stays as an event, without what it said");
    }
    let legible = told.iter().filter(|(_, body)| body.is_some()).count();
    ensure!(legible > his.len(), "some of his under load too");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_elsewhere_with_what_was_erased_since_gone() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut server = Server::start().await?;
    let places = Places::new()?;
    let options = json!({ "preset": "public_chat" });
    let (mut alice, mut bob, room) = two_in_a_room(&server, &options).await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    server.command(&["role", "bootstrap", &ann.user_id, &ben.user_id]).await?;
    let officer = Officer::new(&server, &ann)?;
    let hold =
        ["hold", "place", "--matter", "inquiry 7", "--room", &room, "--reason", "letter", "--yes"];
    let hold = officer.does(&hold).await?["hold"].to_string();
    drop(officer);
    let hers = alice.send_text(&room, "of alice").await?;
    let media = bob.upload("text/plain", FILE).await?;
    bob.sync(0).await?;

    let end = Arc::new(AtomicBool::new(false));
    let writers = [load(&alice, &room, &end), load(&bob, &room, &end)];
    let before = [alice.send_text(&room, "of alice too").await?, hers];
    let mut his = Vec::new();
    for round in 0..3 {
        his.push(bob.send_text(&room, &format!("before backup {round}")).await?);
        let report = does(&server, &places.backup()).await?;
        ensure!(report["log"]["copied"].as_u64() > Some(0), "{report}");
    }
    end.store(true, Ordering::SeqCst);
    let mut acknowledged = 0;
    for writer in writers {
        acknowledged += writer.await??.len();
    }
    ensure!(acknowledged > 0, "there was load");
    let last = bob.send_text(&room, "after the backup").await?;
    let since = bob.since.clone();
    let checked = verifies(&server, &places).await?;
    ensure!(checked["ok"] == true, "{checked}");

    server.stop_gracefully().await?;
    let order = erase(&server.data_dir(), &alice.user_id)?;
    let live = server.data_dir().display().to_string();
    let report = does(&server, &places.restore("restored", &["--orders-from", &live])).await?;
    ensure!(report["orders"] == 1 && report["incarnation"] == 2, "{report}");
    ensure!(report["kept_through"].as_u64() < Some(order.0), "{report}");
    refused(&server, &places.restore("restored", &[]), "is there already").await?;

    let aside = exchange(&server, &places.at("restored"))?;
    server.restart().await?;
    bob.since = since;
    let sync = bob.sync(0).await?;
    let again = register(&server, "alice").await.err().context("alice's name was given again")?;
    ensure!(format!("{again:?}").contains("M_USER_IN_USE"), "{again:?}");
    let joined = &sync["rooms"]["join"][&room];
    ensure!(joined["timeline"]["limited"] == true, "from scratch, not from where it was: {sync}");
    check_told(&seen(&bob, &room).await?, &before, &his, &last)?;
    ensure!(bob.download(&media).await?.status.is_success());
    let shown = bob.clone().send_text(&room, "in the new incarnation").await?;
    bob.sync_until("it", |sync| {
        timeline::timeline_of(sync, "join", &room).iter().any(|event| event["event_id"] == shown)
    })
    .await?;

    let officer = Officer::new(&server, &ann)?;
    let holds = officer.does(&["hold", "list"]).await?;
    ensure!(holds.to_string().contains("inquiry 7"), "hold {hold} survives: {holds}");
    drop(officer);
    // The backup of before is of another incarnation, and is not written over.
    refused(&server, &places.backup(), "incarnation").await?;
    fs::remove_dir_all(aside)?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_killed_are_gone_on_with() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut random = StdRng::seed_from_u64(0x00ba_c0ff);
    let mut server = Server::start().await?;
    let places = Places::new()?;
    let (mut alice, _, room) = two_in_a_room(&server, &json!({ "preset": "public_chat" })).await?;
    let mut sent = Vec::new();
    for round in 0..KILLS {
        sent.push(alice.send_text(&room, &format!("{round} {}", "x".repeat(30_000))).await?);
        alice.upload("text/plain", &vec![7; 200_000]).await?;
        killed(&server, &places.backup(), random.random_range(0..RUN_MS)).await?;
        if Path::new(&places.at("log")).join("manifest.jsonl").exists() {
            ensure!(verifies(&server, &places).await?["ok"] == true, "round {round}");
        }
    }
    does(&server, &places.backup()).await?;
    let checked = verifies(&server, &places).await?;
    ensure!(checked["ok"] == true && checked["unfinished"] == false, "{checked}");
    server.stop_gracefully().await?;
    for round in 0..KILLS {
        let line = places.restore("restored", &[]);
        killed(&server, &line, random.random_range(0..RUN_MS)).await?;
        let there = Path::new(&places.at("restored")).exists();
        if there {
            // It ended before it was killed; what is there is whole.
            let log = open(Path::new(&places.at("restored")))?;
            ensure!(log.incarnation().0 == 2, "round {round}");
            log.close();
            fs::remove_dir_all(places.at("restored"))?;
        }
    }
    does(&server, &places.restore("restored", &[])).await?;
    ensure!(!Path::new(&places.at("restored.restoring")).exists());
    let aside = exchange(&server, &places.at("restored"))?;
    server.restart().await?;
    let told: Vec<String> = seen(&alice, &room).await?.into_iter().map(|(id, _)| id).collect();
    ensure!(told == sent, "{told:?}");
    fs::remove_dir_all(aside)?;
    server.finish().await
}

/// Runs a command of the server's configuration and kills it after so long, if it still runs.
async fn killed(server: &Server, line: &[String], after_ms: u64) -> Result<()> {
    let config = server.data_dir().with_file_name("chancery.toml");
    let mut child = Command::new(harness::server::binary())
        .args(line)
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    // Not a wait for anything: a random moment of its life.
    if tokio::time::timeout(Duration::from_millis(after_ms), child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_a_run_and_costs_nothing_that_was_there() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = Server::start().await?;
    let places = Places::new()?;
    let (mut alice, _, room) = two_in_a_room(&server, &json!({ "preset": "public_chat" })).await?;
    does(&server, &places.backup()).await?;
    for number in 0..8 {
        alice.send_text(&room, &format!("{number} {}", "x".repeat(30_000))).await?;
    }
    limited(&server, &places.backup(), &places.at("log/unfinished/")).await?;
    let checked = verifies(&server, &places).await?;
    ensure!(checked["ok"] == true && checked["unfinished"] == true, "the one before: {checked}");
    does(&server, &places.backup()).await?;
    ensure!(verifies(&server, &places).await?["unfinished"] == false);
    let below = places.at("restored.restoring/log/segments/");
    limited(&server, &places.restore("restored", &[]), &below).await?;
    ensure!(!Path::new(&places.at("restored")).exists());
    does(&server, &places.restore("restored", &[])).await?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_named() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = Server::start().await?;
    let places = Places::new()?;
    does(&server, &places.backup()).await?;
    fs::write(places.at("file"), "no directory")?;
    let (file, log, keys) = (places.at("file/x"), places.at("log"), places.at("keys"));
    let to = places.at("file/y");
    for (line, said) in [
        (["backup", "--to", &file, "--keyring-to", &keys].as_slice(), &file),
        (&["backup", "--to", &log, "--keyring-to", &file], &file),
        (&["restore", "--from", &log, "--keyring-from", &keys, "--to", &to, "--yes"], &to),
    ] {
        refused(&server, &words(line), said).await?;
    }
    server.finish().await
}

/// Runs a command where no file may grow past a bound, as on a disk without room.
async fn limited(server: &Server, line: &[String], below: &str) -> Result<()> {
    let script = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(harness::server::binary())
        .args(line)
        .arg("--config")
        .arg(server.data_dir().with_file_name("chancery.toml"))
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = stderr(&output);
    ensure!(output.status.code() == Some(1), "{} {said}", output.status);
    ensure!(said.contains("File too large"), "the cause is named: {said}");
    let named = said.contains(&format!(": {below}")) && said.contains("could not be written");
    ensure!(named, "what was being written: {said}");
    ensure!(said.contains("What to do: free space"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_directory_goes_on_knowing_what_was_ordered_since() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut server = Server::start().await?;
    let places = Places::new()?;
    let options = json!({ "preset": "public_chat" });
    let (mut alice, mut bob, room) = two_in_a_room(&server, &options).await?;
    alice.send_text(&room, "of alice").await?;
    let his = bob.send_text(&room, "of bob").await?;
    server.stop_gracefully().await?;
    let older = places.at("older");
    copy(&server.data_dir(), Path::new(&older))?;
    server.restart().await?;
    bob.send_text(&room, "later").await?;
    bob.sync(0).await?;
    server.stop_gracefully().await?;
    erase(&server.data_dir(), &alice.user_id)?;
    server.restart().await?;
    server.stop_gracefully().await?;

    // The disk of the log is an older copy; the keys, on another one, are as they were.
    let aside = exchange(&server, &older)?;
    fs::remove_dir_all(server.data_dir().join("keyring"))?;
    copy(&aside.join("keyring"), &server.data_dir().join("keyring"))?;
    let error = server.restart().await.err().context("an older copy of itself is refused")?;
    ensure!(format!("{error:#}").contains("older copy"), "{error:#}");
    refused(&server, &words(&["log", "fork", "--yes"]), "checkpoint").await?;
    let newer = aside.display().to_string();
    refused(&server, &words(&["log", "fork", "--orders-from", &newer]), "nobody is here").await?;
    let line = words(&["log", "fork", "--orders-from", &newer, "--yes", "--json"]);
    let report = does(&server, &line).await?;
    ensure!(report["incarnation"] == 2 && report["orders"] == 1, "{report}");
    server.restart().await?;
    let sync = bob.sync(0).await?;
    let created = timeline::timeline_of(&sync, "join", &room)
        .iter()
        .any(|event| event["type"] == "m.room.create");
    ensure!(created, "from scratch: {sync}");
    let told = seen(&bob, &room).await?;
    let whole: Vec<_> = told.iter().filter_map(|(id, body)| body.as_ref().map(|_| id)).collect();
    ensure!(told.len() == 2 && whole == [&his], "{told:?}");
    fs::remove_dir_all(aside)?;
    server.finish().await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let (kind, target) = (file.file_type()?, to.join(file.file_name()));
        if kind.is_dir() {
            copy(&file.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(file.path(), target)?;
        }
    }
    Ok(())
}
