//! The server ships off-site by itself: orders to destroy before anybody is told that they are
//! carried out, segments, checkpoints; to real stores that lock, killed in between, and through
//! somebody who makes of a store what a store can be at its worst.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/object_store.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod object_store;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "nobody is refused here")]
mod officer;
#[path = "support/s3_proxy.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod s3_proxy;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::{primitives::DateTime, types::ObjectLockLegalHoldStatus};
use event_log::{Log, LogOptions, PartContent, RANGE_ENTRIES_MAX, SystemRandom};
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{ShredSurface, SurfaceOutcome},
};
use harness::{
    http_client::Http, matrix_client::MatrixClient, register, server::Server, two_in_a_room,
};
use http::Method;
use object_store::{Make, ObjectStore};
use officer::Officer;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use s3_proxy::{Fault, S3Proxy};
use serde_json::{Value, json};
use tempfile::TempDir;

const BUCKET: &str = "records";
const PLACE: &str = "s3://records/chancery";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const CANARY: &str = "canaryqzx";
/// A state that is asked for is there by then (60 s), or never.
const POLL: Duration = Duration::from_millis(50);
const POLLS_MAX: u32 = 1_200;
/// Runs are killed after a random part of this.
const LIFE_MS: u64 = 900;
const KILLS: u64 = 6;
/// A message while the store does its worst.
const SEND_MAX: Duration = Duration::from_secs(5);

struct World {
    server: Server,
    store: ObjectStore,
    proxy: S3Proxy,
    here: TempDir,
    alice: MatrixClient,
    ann: MatrixClient,
    ben: MatrixClient,
    dora: MatrixClient,
    room: String,
}

impl World {
    async fn start(make: Make) -> Result<Self> {
        let store = ObjectStore::start(make).await?;
        store.bucket(BUCKET, true).await?;
        let proxy = S3Proxy::start(&store.endpoint)?;
        let offsite = store.config_at(&proxy.endpoint)?;
        let offsite =
            offsite.replace("timeout_seconds = 5\ntries = 3", "timeout_seconds = 1\ntries = 2");
        let ships = format!("{offsite}ship_to = {PLACE:?}\ncheckpoint_seconds = 1\n");
        let server = Server::start_with(&ships).await?;
        let here = TempDir::with_prefix("chancery-offsite-")?;
        let (alice, _, room) = two_in_a_room(&server, &json!({ "preset": "public_chat" })).await?;
        let ann = register(&server, "ann").await?;
        let ben = register(&server, "ben").await?;
        let dora = register(&server, "dora").await?;
        let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
        ensure!(server.command(&set_up).await?.status.success(), "no officers");
        let (one, other) = (Officer::new(&server, &ann)?, Officer::new(&server, &ben)?);
        let grant = ["role", "grant", "data_protection_officer", "@dora:localhost"];
        let asked = one.does(&[&grant[..], &WHY[..2]].concat()).await?["request"].to_string();
        other.does(&["role", "approve", &asked, WHY[0], WHY[1]]).await?;
        Ok(Self { server, store, proxy, here, alice, ann, ben, dora, room })
    }

    fn officer(&self, client: &MatrixClient) -> Result<Officer<'_>> {
        Officer::new(&self.server, client)
    }

    async fn erase(&self, user: &str) -> Result<()> {
        let request = ["erasure", "request", user];
        self.officer(&self.dora)?.does(&[&request[..], &WHY].concat()).await?;
        Ok(())
    }

    /// A run and its receipt.
    async fn run(&self) -> Result<Value> {
        self.officer(&self.dora)?.does(&[&["policy", "run"][..], &WHY].concat()).await
    }

    async fn ask_for_a_run(&self) -> Result<()> {
        let line = [&["policy", "run", "--no-wait"][..], &WHY].concat();
        self.officer(&self.dora)?.does(&line).await?;
        Ok(())
    }

    async fn status(&self) -> Result<Value> {
        let token = Some(self.ann.access_token.as_str());
        let path = "/_chancery/admin/v1/policies/run";
        self.server.http().json(Method::GET, path, token, None).await?.json()
    }

    async fn health(&self) -> Result<Value> {
        let answer = self.server.http().json(Method::GET, "/health", None, None).await?;
        ensure!(
            answer.status.is_success(),
            "a store that fails is no reason not to serve: {answer}"
        );
        answer.json()
    }

    async fn until_health(&self, offsite: &str) -> Result<()> {
        for _ in 0..POLLS_MAX {
            if self.health().await?["offsite"] == offsite {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("off-site is not {offsite}: {}", self.server.output_tail())
    }

    /// Keys of objects below a folder of the place.
    async fn objects(&self, folder: &str) -> Result<Vec<String>> {
        let all = self.store.versions(BUCKET, &format!("chancery/{folder}")).await?;
        Ok(all.into_iter().map(|(key, _)| key).collect())
    }

    async fn until_objects(&self, folder: &str, least: usize) -> Result<()> {
        for _ in 0..POLLS_MAX {
            if self.objects(folder).await?.len() >= least {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{folder} has not {least} objects: {}", self.server.output_tail())
    }

    /// Waits for a checkpoint over more than the entries up to a position.
    async fn until_checkpoint_behind(&self, position: u64) -> Result<()> {
        let size = |key: &String| key.split('-').nth(1)?.parse::<u64>().ok();
        for _ in 0..POLLS_MAX {
            if self.objects("checkpoints/").await?.iter().filter_map(size).max()
                > Some(position + 1)
            {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("no checkpoint gets there: {}", self.server.output_tail())
    }

    /// A copy of the keyring beside a backup of its own.
    async fn copy_keys(&self, to: &str, keys: &Path) -> Result<()> {
        let keys = keys.to_str().context("a plain name")?;
        let line = ["backup", "--to", to, "--keyring-to", keys, "--json"];
        let output = self.server.command(&line).await?;
        ensure!(output.status.success(), "{}", officer::stderr(&output));
        Ok(())
    }

    async fn restore(&self, keys: &Path, to: &Path) -> Result<Value> {
        let (keys, to) = (keys.to_str().context("plain")?, to.to_str().context("plain")?);
        let line =
            ["restore", "--from", PLACE, "--keyring-from", keys, "--to", to, "--yes", "--json"];
        let output = self.server.command(&line).await?;
        ensure!(output.status.success(), "{}", officer::stderr(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn surface<'a>(receipt: &'a Value, name: &str) -> Option<&'a Value> {
    let of = |report: &&Value| report["surface"] == name;
    receipt["surfaces"].as_array()?.iter().find(of).map(|report| &report["outcome"])
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}

/// All entries of a log that nobody has open.
fn entries(data_dir: &Path) -> Result<Vec<event_log::Entry>> {
    let mut options = LogOptions::new(data_dir, "localhost");
    options.orders_kept_offsite = true;
    let log = Log::open(options, Arc::new(now), Arc::new(SystemRandom))?;
    let mut entries: Vec<event_log::Entry> = Vec::new();
    loop {
        let next = entries.last().map_or(LogPosition(0), |entry| entry.header.position.next());
        let more = log.read_range(next, RANGE_ENTRIES_MAX, usize::MAX)?;
        if more.is_empty() {
            log.close();
            return Ok(entries);
        }
        entries.extend(more);
    }
}

fn can_be_read(data_dir: &Path) -> Result<bool> {
    let entries = entries(data_dir)?;
    let mut clear = entries.iter().flat_map(|entry| &entry.parts).filter_map(PartContent::clear);
    Ok(clear.any(|clear| clear.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes())))
}

/// Orders of a log, and those of them that are reported to be off-site.
fn orders(data_dir: &Path) -> Result<(BTreeSet<LogPosition>, BTreeSet<LogPosition>)> {
    let (mut ordered, mut offsite) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries(data_dir)? {
        match entry.fact() {
            Ok(Some(Fact::ShredOrdered(_))) => {
                ordered.insert(entry.header.position);
            }
            Ok(Some(Fact::ShredDone(done))) => {
                let there = done.reports.iter().any(|report| {
                    report.surface == ShredSurface::Offsite
                        && report.outcome == SurfaceOutcome::Done
                });
                if there {
                    ensure!(offsite.insert(done.order), "{} is reported twice", done.order);
                }
            }
            _ => {}
        }
    }
    Ok((ordered, offsite))
}

/// One test at a time: this process opens data directories itself, and a child that another test
/// starts at that moment would hold their lease until it has become another program.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_after_the_last_segment_is_carried_out_by_a_restore_before_the_first_read()
-> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    for make in Make::all() {
        erased_after_the_last_segment(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn erased_after_the_last_segment(make: Make) -> Result<()> {
    let mut world = World::start(make).await?;
    let room = world.room.clone();
    world.alice.send_text(&room, CANARY).await?;
    let keys = world.here.path().join("keys");
    world.copy_keys(PLACE, &keys).await?;
    let before = world.here.path().join("before");
    let kept = world.restore(&keys, &before).await?["kept_through"].as_u64().context("it")?;
    ensure!(can_be_read(&before)?, "it was there, and the copied keys open it");

    // From here on orders and checkpoints get there, and no segment.
    world.proxy.set(Fault::NoLog);
    world.erase("@alice:localhost").await?;
    let receipt = world.run().await?;
    ensure!(surface(&receipt, "offsite") == Some(&json!("done")), "{receipt}");
    let ordered = world.objects("orders/").await?;
    ensure!(!ordered.is_empty(), "no order is there by itself");
    world.until_checkpoint_behind(kept).await?;
    world.server.kill_9().await?;
    for (key, version) in world.store.versions(BUCKET, "").await? {
        world.store.cannot_be_removed(BUCKET, &key, &version).await?;
        // What can be done there: hiding it.
        world.store.client.delete_object().bucket(BUCKET).key(&key).send().await?;
    }

    let restored = world.here.path().join("restored");
    let report = world.restore(&keys, &restored).await?;
    ensure!(report["orders"].as_u64() == Some(ordered.len() as u64), "{report}");
    ensure!(
        report["left_out"].as_u64() > Some(0),
        "a checkpoint tells how much there was: {report}"
    );
    ensure!(!can_be_read(&restored)?, "the erased text came back");
    let verified = event_log::verify(&restored.join("log").join("segments"), None)?;
    ensure!(verified.ok, "{verified:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_waits_for_a_store_that_is_gone_and_says_so_and_nobody_else_waits() -> Result<()>
{
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(make) = Make::all().into_iter().next() else { return Ok(()) };
    let mut world = World::start(make).await?;
    let room = world.room.clone();
    world.alice.send_text(&room, CANARY).await?;
    let bob = MatrixClient::log_in(&world.server.http(), "bob", harness::PASSWORD, None).await?;
    world.until_objects("checkpoints/", 1).await?;
    world.proxy.set(Fault::Failing);
    // What is said makes a new checkpoint, which is to be shipped.
    world.alice.send_text(&room, "something").await?;
    world.until_health("failing").await?;
    world.erase("@alice:localhost").await?;
    let line = [&["policy", "run", "--json"][..], &WHY].concat();
    let dora = world.officer(&world.dora)?;
    let run = dora.run(&line);
    let meanwhile = async {
        let mut status = world.status().await?;
        for _ in 0..POLLS_MAX {
            if status["waiting"]["trouble"].is_string() {
                break;
            }
            tokio::time::sleep(POLL).await;
            status = world.status().await?;
        }
        ensure!(status["running"] == true && status["waiting"]["order"].is_u64(), "{status}");
        ensure!(status["waiting"]["trouble"].is_string(), "{status}");
        let mut bob = bob;
        for number in 0..20 {
            let words = format!("meanwhile {number}");
            let sent = bob.send_text(&room, &words);
            tokio::time::timeout(SEND_MAX, sent).await.context("serving waits for the store")??;
        }
        // Longer than the command's pause, so that whoever waits there has seen it too.
        for _ in 0..20 {
            world.status().await?;
            tokio::time::sleep(POLL).await;
        }
        world.proxy.set(Fault::None);
        Ok(())
    };
    let (ran, done) = tokio::join!(run, meanwhile);
    done?;
    let ran = ran?;
    let said = officer::stderr(&ran);
    ensure!(said.contains("The receipt waits for order") && said.contains("off-site"), "{said}");
    let receipt: Value = serde_json::from_slice(&ran.stdout).with_context(|| said.clone())?;
    ensure!(surface(&receipt, "offsite") == Some(&json!("done")), "{receipt}");
    ensure!(world.status().await?["waiting"].is_null());
    world.until_health("ok").await?;

    // Killed while it waits: the order is carried out, and reported when the store is back.
    world.proxy.set(Fault::Silent);
    world.erase("@bob:localhost").await?;
    world.ask_for_a_run().await?;
    for _ in 0..POLLS_MAX {
        if world.status().await?["waiting"]["order"].is_u64() {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    world.server.kill_9().await?;
    let (ordered, offsite) = orders(&world.server.data_dir())?;
    ensure!(offsite.len() < ordered.len(), "reported while nobody had it: {ordered:?} {offsite:?}");
    world.server.restart().await?;
    world.until_health("failing").await?;
    world.proxy.set(Fault::None);
    world.until_health("ok").await?;
    world.server.stop_gracefully().await?;
    let (ordered, offsite) = orders(&world.server.data_dir())?;
    ensure!(ordered == offsite, "{ordered:?} {offsite:?}");
    ensure!(!can_be_read(&world.server.data_dir())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_refuses_or_lies_is_found_out_and_gone_on_with() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(make) = Make::all().into_iter().next() else { return Ok(()) };
    let mut world = World::start(make).await?;
    let admin = with_admin_listener(&mut world).await?;
    let room = world.room.clone();
    for (fault, words) in [
        (Fault::Silent, "no answer in time"),
        (Fault::Failing, "say whether the bucket locks objects, and did not"),
        (Fault::Refusing, "AccessDenied"),
        (Fault::Swallowing, "it is not there"),
        (Fault::Altering, "its SHA-256 is"),
        (Fault::Losing, "it has 1 bytes of"),
        (Fault::NotLocking, "not locked in compliance mode"),
    ] {
        world.until_health("ok").await?;
        world.proxy.set(fault);
        // What is said makes a new checkpoint, which is to be shipped.
        let words_said = format!("{fault:?}");
        let sent = world.alice.send_text(&room, &words_said);
        tokio::time::timeout(SEND_MAX, sent).await.context("serving waits for the store")??;
        world.until_health("failing").await.with_context(|| format!("{fault:?}"))?;
        let told = world.server.output_tail();
        ensure!(told.contains(words), "{fault:?}: {told}");
        world.proxy.set(Fault::None);
    }
    world.until_health("ok").await?;
    let metrics = Http::new(&admin).json(Method::GET, "/metrics", None, None).await?;
    let metrics = String::from_utf8(metrics.body.to_vec())?;
    let value = |name: &str| -> Result<f64> {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("{name} is not measured: {metrics}"))?.parse()?)
    };
    ensure!(value("chancery_offsite_failures_total")? >= 7.0, "{metrics}");
    ensure!(value("chancery_offsite_last_success_seconds")? > 1.0e9, "{metrics}");
    ensure!(value("chancery_offsite_lag_entries")? > 0.0, "no segment is closed: {metrics}");
    ensure!(value("chancery_offsite_orders_waiting")? < 1.0, "{metrics}");
    world.server.finish().await
}

/// Gives the server a listener for metrics, and starts it again with it.
async fn with_admin_listener(world: &mut World) -> Result<String> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let config = world.server.data_dir().with_file_name("chancery.toml");
    let text = std::fs::read_to_string(&config)?;
    let listen = format!("[listen]\nadmin = \"127.0.0.1:{port}\"\n");
    std::fs::write(&config, text.replacen("[listen]\n", &listen, 1))?;
    world.server.stop_gracefully().await?;
    world.server.restart().await?;
    Ok(format!("http://127.0.0.1:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_goes_on_and_nothing_is_put_twice_or_left_out() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let Some(make) = Make::all().into_iter().next() else { return Ok(()) };
    let mut world = World::start(make).await?;
    let mut random = StdRng::seed_from_u64(0x0ff5_17e5);
    let room = world.room.clone();
    for number in 0..KILLS {
        let name = format!("person{number}");
        let mut person = register(&world.server, &name).await?;
        person.join(&room).await?;
        person.send_text(&room, &format!("{CANARY} {}", "x".repeat(20_000))).await?;
        person.upload("text/plain", b"minutes of a meeting").await?;
        world.erase(&format!("@{name}:localhost")).await?;
        world.ask_for_a_run().await?;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..LIFE_MS))).await;
        world.server.kill_9().await?;
        world.server.verify_log().await?;
        world.server.restart().await?;
    }
    world.run().await?;
    world.until_objects("manifest.jsonl", 1).await?;
    world.until_health("ok").await?;
    let keys = world.here.path().join("keys");
    let local = world.here.path().join("local").display().to_string();
    world.copy_keys(&local, &keys).await?;
    world.server.stop_gracefully().await?;
    let (ordered, offsite) = orders(&world.server.data_dir())?;
    ensure!(!ordered.is_empty() && ordered == offsite, "{ordered:?} {offsite:?}");
    let put = world.objects("orders/").await?;
    let once: BTreeSet<&String> = put.iter().collect();
    ensure!(once.len() == put.len(), "an order was put twice: {put:?}");
    let segments = world.objects("log/").await?;
    let once: BTreeSet<&String> = segments.iter().collect();
    ensure!(once.len() == segments.len(), "a segment was put twice: {segments:?}");
    let key = world.server.command(&["ledger", "key"]).await?;
    let key = String::from_utf8(key.stdout)?.trim().to_owned();
    let verified = world.server.command(&["verify", PLACE, "--key", &key, "--json"]).await?;
    ensure!(verified.status.success(), "{}", officer::stderr(&verified));
    let restored = world.here.path().join("restored");
    world.restore(&keys, &restored).await?;
    ensure!(!can_be_read(&restored)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_follow_the_policy_in_force_and_holds() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    for make in Make::all() {
        locks_follow(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn locks_follow(make: Make) -> Result<()> {
    let mut world = World::start(make).await?;
    let room = world.room.clone();
    world.alice.send_text(&room, "said").await?;
    world.alice.upload("text/plain", b"minutes of a meeting").await?;
    // A run that destroys closes the segment.
    world.erase("@bob:localhost").await?;
    world.run().await?;
    world.until_objects("log/", 1).await?;
    let file = world.here.path().join("policy.toml");
    std::fs::write(&file, "[policy.broker]\nrecords = [\"messages\"]\nkeep_at_least = \"3y\"\n")?;
    let file = file.to_str().context("a plain name")?;
    world.officer(&world.ann)?.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
    locked(&world, 3 * 366 - 1, false).await?;
    let place = ["hold", "place", "--matter", "inquiry 7", "--room", &room];
    let hold = world.officer(&world.ann)?.does(&[&place[..], &WHY].concat()).await?;
    locked(&world, 3 * 366 - 1, true).await?;
    let release = ["hold", "release", &hold["hold"].to_string()].map(str::to_owned);
    let release: Vec<&str> = release.iter().map(String::as_str).collect();
    let asked = world.officer(&world.ann)?.does(&[&release[..], &WHY].concat()).await?;
    let asked = asked["request"].to_string();
    let approve = ["hold", "approve-release", &asked];
    world.officer(&world.ben)?.does(&[&approve[..], &WHY].concat()).await?;
    locked(&world, 3 * 366 - 1, false).await?;
    world.server.finish().await
}

/// Waits until segments and media are locked for so many days, with a hold or without one.
async fn locked(world: &World, days: i64, held: bool) -> Result<()> {
    let mut last = String::new();
    for _ in 0..POLLS_MAX {
        last.clear();
        let now = i64::try_from(now().0 / 1000)?;
        for folder in ["log/", "media/"] {
            for key in world.objects(folder).await? {
                let found =
                    world.store.client.head_object().bucket(BUCKET).key(&key).send().await?;
                let until = found.object_lock_retain_until_date().map_or(0, DateTime::secs);
                let on = found.object_lock_legal_hold_status();
                let on = on == Some(&ObjectLockLegalHoldStatus::On);
                if until < now + days * 86_400 || on != held {
                    last = format!("{key} until {until} held {on}");
                }
            }
        }
        if last.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("{days} days, held {held}: {last}: {}", world.server.output_tail())
}
