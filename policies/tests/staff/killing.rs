//! A run is killed (SIGKILL) before each of its steps, one after the other: the next start finishes
//! what was ordered, the next run ends with one receipt that says what both have destroyed, and
//! nothing else is gone.
//!
//! The child is this very test binary: it says each step on its standard output, and stands still
//! before the one at which it is to be killed.

#![expect(clippy::print_stdout, reason = "the child tells its parent where it is")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use commands::user::{set_account_data, set_profile_field};
use decide::user::AccountDataKey;
use event_log::{DestructionStep, Disk, OsDisk, SegmentFile};
use facts::{
    Fact, LogPosition,
    fact::{
        DestructionRunEnded, ErasureEnd, RecordKind, Role, ShredCause, ShredOrdered, SurfaceOutcome,
    },
};
use policies::destruction::RunDone;
use projections::query::Membership;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    destroying::{apply, readable, receipt, run, upload},
    stubbing::stubbed,
    world::{DAY, Place, World, user},
};

const DIR: &str = "CHANCERY_KILL_DIR";
const STEP: &str = "CHANCERY_KILL_STEP";
/// Set: the steps of opening count, too.
const OPENING: &str = "CHANCERY_KILL_OPENING";
/// What the child's lines begin with.
const SAID: &str = "chancery-step";
const NAME: &str = "killing::the_child";
const BEGINS: u64 = 1_700_000_000_000;
/// Small, so that ciphertext is in several of them.
const SEGMENT_BYTES: u64 = 48 * 1024;
const CANARY: &str = "canaryqzxkilled";
const POLICY: &str = "[redaction]\nkeep = \"1d\"\n[policy.brief]\nrecords = [\"messages\", \
                      \"media\"]\nkeep_at_most = \"2d\"\n";

// ---- the child ----

/// Where the child stands still.
struct Stops {
    armed: AtomicBool,
    at: usize,
    next: AtomicUsize,
}

impl Stops {
    fn before(&self, step: &str) {
        if !self.armed.load(Ordering::SeqCst) {
            return;
        }
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        println!("{SAID} {number} {step}");
        if number == self.at {
            loop {
                std::thread::park();
            }
        }
    }
}

struct StoppingDisk(Arc<Stops>);

impl Disk for StoppingDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        OsDisk.open(path)
    }

    fn before(&self, step: DestructionStep) -> io::Result<()> {
        self.0.before(&format!("{step:?}"));
        Ok(())
    }
}

/// Does nothing unless the test below has started it.
#[tokio::test(flavor = "multi_thread")]
async fn the_child() {
    let (Ok(dir), Ok(at)) = (env::var(DIR), env::var(STEP)) else { return };
    let armed = AtomicBool::new(env::var_os(OPENING).is_some());
    let next = AtomicUsize::new(0);
    let stops = Arc::new(Stops { armed, at: at.parse().unwrap(), next });
    let disk = Arc::new(StoppingDisk(Arc::clone(&stops)));
    let place = Place { segment_bytes: SEGMENT_BYTES, disk, ..at_dir(dir.into(), 1) };
    let world = World::open(place).await;
    let mut destroyer = world.destroyer();
    let told = Arc::clone(&stops);
    destroyer.before = Arc::new(move |step| told.before(&format!("{step:?}")));
    stops.armed.store(true, Ordering::SeqCst);
    destroyer.run(None, &|| false).await.unwrap();
    stops.before("Over");
}

/// The world as it goes on for the n-th time, later than before.
fn at_dir(dir: PathBuf, time: u64) -> Place {
    let begins = BEGINS + 4 * DAY + (12 + time) * DAY / 24;
    Place { segment_bytes: SEGMENT_BYTES, seed: 7 + time, ..Place::at(dir, begins) }
}

/// Runs the child until it stands before a step; names of the steps up to there.
fn steps_until(dir: &Path, at: usize, opening: bool) -> Vec<String> {
    let mut command = Command::new(env::current_exe().unwrap());
    if opening {
        command.env(OPENING, "1");
    }
    let mut child = command
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(STEP, at.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut steps = Vec::new();
    for line in lines.map_while(Result::ok) {
        // The harness of the tests says something on the same line.
        let Some(place) = line.find(SAID) else { continue };
        let mut words = line[place..].splitn(3, ' ').skip(1);
        let number: usize = words.next().unwrap().parse().unwrap();
        steps.push(words.next().unwrap().to_owned());
        assert_eq!(steps.len(), number + 1);
        if number == at {
            break;
        }
    }
    kill(&mut child);
    steps
}

/// Until it is gone: it holds the lease on the log.
fn kill(child: &mut Child) {
    let _ended_by_itself = child.kill();
    child.wait().unwrap();
}

// ---- the parent ----

/// What a run that is not disturbed comes to, on the same directory.
struct Expected {
    template: PathBuf,
    before: BTreeSet<u64>,
    gone: BTreeSet<u64>,
    /// Messages of which only stubs are left.
    stubbed: BTreeSet<u64>,
    receipt: DestructionRunEnded,
    files_gone: Vec<String>,
    files_kept: Vec<String>,
}

/// Kills at once; each waits for disks and processes more than it computes.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_is_killed_before_any_step_is_finished_with_one_right_receipt() {
    let home = tempfile::tempdir().unwrap();
    let expected = prepare(home.path()).await;
    let whole = copy_of(&expected.template, home.path(), "whole");
    let steps = steps_until(&whole, usize::MAX, false);
    assert_eq!(steps.last().map(String::as_str), Some("Over"), "{steps:?}");
    for needed in
        ["Stub", "Order", "Rename", "EraseOldWrap", "RenameSegment", "RemoveFile", "Receipt"]
    {
        assert!(steps.iter().any(|step| step.contains(needed)), "{needed}: {steps:?}");
    }
    fs::remove_dir_all(&whole).unwrap();
    println!("killed before each of {} steps", steps.len());
    let (from, upto) = (expected.template.clone(), steps.len());
    kill_at_each(Kills { expected, from, steps, upto, opening: false }, home.path()).await;
}

/// The start that finishes what was ordered is killed as well, before each of its own steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_that_is_killed_while_it_finishes_orders_is_finished_by_the_next() {
    let home = tempfile::tempdir().unwrap();
    let expected = prepare(home.path()).await;
    let scratch = copy_of(&expected.template, home.path(), "scratch");
    let steps = steps_until(&scratch, usize::MAX, false);
    let ordered = steps.iter().position(|step| step.starts_with("Keyring")).unwrap();
    let from = copy_of(&expected.template, home.path(), "ordered");
    // Killed between the orders and the keyring: nothing is carried out.
    steps_until(&from, ordered, false);
    let scratch = copy_of(&from, home.path(), "scratch-opening");
    let steps = steps_until(&scratch, usize::MAX, true);
    let upto = steps.iter().position(|step| step == "EndAccounts").unwrap();
    for needed in ["Keyring(Rename)", "Keyring(EraseOldWrap)", "RenameSegment", "Report"] {
        assert!(steps[..upto].iter().any(|step| step == needed), "{needed}: {steps:?}");
    }
    println!("killed again before each of {upto} steps of opening");
    kill_at_each(Kills { expected, from, steps, upto, opening: true }, home.path()).await;
}

/// What is to be killed: a child on a copy of `from`, before each step up to `upto`.
struct Kills {
    expected: Expected,
    from: PathBuf,
    steps: Vec<String>,
    upto: usize,
    opening: bool,
}

async fn kill_at_each(kills: Kills, home: &Path) {
    let kills = Arc::new(kills);
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let (kills, home) = (Arc::clone(&kills), home.to_owned());
        tasks.spawn(async move {
            for at in (first..kills.upto).step_by(AT_ONCE) {
                kill_at(&kills, &home, at).await;
            }
        });
    }
    while let Some(killed) = tasks.join_next().await {
        killed.unwrap();
    }
}

async fn kill_at(kills: &Kills, home: &Path, at: usize) {
    let (from, home, opening) = (kills.from.clone(), home.to_owned(), kills.opening);
    let killing = tokio::task::spawn_blocking(move || {
        let dir = copy_of(&from, &home, &format!("killed-{at}"));
        let told = steps_until(&dir, at, opening);
        (dir, told)
    });
    let (dir, told) = killing.await.unwrap();
    assert_eq!(told, kills.steps[..=at], "the steps are the same each time");
    let step = &kills.steps[at];
    let when = format!("killed before step {at}, {step}, opening: {opening}");
    check(&kills.expected, &dir, &when, at + 1 == kills.steps.len()).await;
    // Slow: looked at where copies go.
    if ["Scavenge", "Refold", "Purge", "Receipt"].iter().any(|of| step.starts_with(of)) {
        nowhere(&dir, &when);
    }
    fs::remove_dir_all(&dir).unwrap();
}

/// Messages, files, redacted ones, a person who is to be erased, and a hold.
async fn prepare(home: &Path) -> Expected {
    let template = home.join("template");
    fs::create_dir_all(&template).unwrap();
    let place = Place { segment_bytes: SEGMENT_BYTES, ..Place::at(template.clone(), BEGINS) };
    let world = World::open(place).await;
    world.people().await;
    world.grant(Role::DataProtectionOfficer, "cleo").await;
    let (room, held) = (world.room("dan").await, world.room("dan").await);
    world.join(&room, "eve").await;
    world.join(&world.room("dan").await, "eve").await;
    let mut files_gone = Vec::new();
    for number in 0..3 {
        let (media, file) = upload(&world, "dan").await;
        let url = format!("mxc://example.org/{media}");
        world.send(&room, "dan", json!({ "msgtype": "m.file", "body": CANARY, "url": url })).await;
        files_gone.push(file);
        for name in ["dan", "eve"] {
            world.say(&room, name, &format!("{CANARY} {number} {}", "x".repeat(9_000))).await;
        }
        world.say(&held, "dan", &format!("held {number} {}", "x".repeat(9_000))).await;
    }
    let (_, file) = upload(&world, "ben").await;
    let parts = json!([{ "rooms": [held] }, { "users": ["@ben:example.org"] }]);
    let hold = json!({ "matter": "m", "parts": parts, "reason": "x" });
    world.post("ann", "/holds", &hold).await.ok();
    let eve = user("eve");
    set_profile_field(&world.ws, &eve, "displayname", Some(&json!(CANARY))).await.unwrap();
    let key = AccountDataKey { room: None, data_type: format!("org.example.{CANARY}") };
    set_account_data(&world.ws, &eve, &key, Some("{}")).await.unwrap();
    apply(&world, POLICY).await;
    world.pass_days(3);
    let late = world.say(&room, "dan", &format!("{CANARY} redacted")).await.event_id;
    world.redact(&room, "dan", &late).await;
    world.pass_days(1);
    world.say(&room, "dan", "stays").await;
    let asked = json!({ "user": "@eve:example.org", "reason": "letter" });
    world.post("cleo", "/erasures", &asked).await.ok();
    let before = readable(&world);
    world.close().await;

    let world = World::open(at_dir(copy_of(&template, home, "reference"), 1)).await;
    let receipt = receipt(&world, &run(&world).await);
    let causes: BTreeSet<_> = receipt.destroyed.iter().map(|of| of.cause).collect();
    for cause in [ShredCause::Retention, ShredCause::Redaction, ShredCause::Erasure] {
        assert!(causes.contains(&cause), "{receipt:?}");
    }
    assert!(receipt.restricted > 0, "{receipt:?}");
    let gone = before.difference(&readable(&world)).copied().collect();
    let stubbed = stubbed(&world);
    assert!(!stubbed.is_empty());
    world.close().await;
    fs::remove_dir_all(home.join("reference")).unwrap();
    Expected { template, before, gone, stubbed, receipt, files_gone, files_kept: vec![file] }
}

fn counts(receipt: &DestructionRunEnded) -> BTreeMap<(RecordKind, ShredCause), u64> {
    receipt.destroyed.iter().map(|of| ((of.kind, of.cause), of.records)).collect()
}

/// `said`: the receipt is there already.
async fn check(expected: &Expected, dir: &Path, when: &str, said: bool) {
    let world = World::open(at_dir(dir.to_owned(), 2)).await;
    assert_eq!(receipts(&world).len(), usize::from(said), "{when}: a receipt for what is not done");
    orders_are_carried_out(&world, when);
    // No skeleton is gone whose stub is not there.
    assert!(stubbed(&world).is_subset(&expected.stubbed), "{when}");
    let gone: BTreeSet<u64> = expected.before.difference(&readable(&world)).copied().collect();
    assert!(gone.is_subset(&expected.gone), "{when}: what was not ordered is gone");

    let done = run(&world).await;
    assert_eq!(done.receipt.is_none(), said, "{when}");
    let receipts = receipts(&world);
    let [receipt] = receipts.as_slice() else { panic!("{when}: {} receipts", receipts.len()) };
    assert_eq!(counts(receipt), counts(&expected.receipt), "{when}");
    assert_eq!(receipt.restricted, expected.receipt.restricted, "{when}");
    for report in &receipt.surfaces {
        let fine = matches!(report.outcome, SurfaceOutcome::Done | SurfaceOutcome::NotApplicable);
        assert!(fine, "{when}: {report:?}");
    }
    let gone: BTreeSet<u64> = expected.before.difference(&readable(&world)).copied().collect();
    assert_eq!(gone, expected.gone, "{when}");
    for file in &expected.files_gone {
        assert!(!world.media_path(file).exists(), "{when}: a file is there");
    }
    for file in &expected.files_kept {
        assert!(world.media_path(file).exists(), "{when}: a file that is held went");
    }
    assert_eq!(world.failing.log.scavenge().unwrap(), (0, 0), "{when}: ciphertext was left");
    assert_eq!(stubbed(&world), expected.stubbed, "{when}");
    assert_eq!(erasures_executed(&world), 1, "{when}");
    assert!(!is_anywhere(&world, "eve"), "{when}: the erased person is in a room");
    assert_eq!(run(&world).await, RunDone { receipt: None, orders: 0 }, "{when}");
    world.close().await;
}

fn receipts(world: &World) -> Vec<DestructionRunEnded> {
    let facts = world.facts(LogPosition(0)).into_iter();
    let receipts = facts.filter_map(|(_, fact)| match fact {
        Fact::DestructionRunEnded(receipt) => Some(receipt),
        _ => None,
    });
    receipts.collect()
}

fn erasures_executed(world: &World) -> usize {
    let facts = world.facts(LogPosition(0)).into_iter();
    let ends = facts.filter(|(_, fact)| {
        let Fact::ErasureEnded(ended) = fact else { return false };
        matches!(ended.end, ErasureEnd::Executed { .. })
    });
    ends.count()
}

/// Whether somebody is in a room.
fn is_anywhere(world: &World, name: &str) -> bool {
    let view = world.view.snapshot().unwrap();
    let stream = view.user(user(name).as_str()).unwrap().unwrap();
    let rooms = view.rooms_of(stream).unwrap();
    rooms.iter().any(|member| member.membership == Membership::Join)
}

/// Each order has one report, and nothing that one covers can be read.
fn orders_are_carried_out(world: &World, when: &str) {
    let mut orders: BTreeMap<LogPosition, (ShredOrdered, u32)> = BTreeMap::new();
    for (position, fact) in world.facts(LogPosition(0)) {
        match fact {
            Fact::ShredOrdered(order) => {
                orders.insert(position, (order, 0));
            }
            Fact::ShredDone(done) => orders.get_mut(&done.order).unwrap().1 += 1,
            _ => {}
        }
    }
    for (position, (_, reports)) in &orders {
        assert_eq!(*reports, 1, "{when}: order {position}");
    }
    let log = &world.failing.log;
    for at in 0..=log.head().0 {
        let entry = log.read(LogPosition(at)).unwrap().unwrap();
        let header = &entry.header;
        for (part, content) in header.parts.iter().zip(&entry.parts) {
            let leaf = u32::try_from(header.revision.0).unwrap();
            let covered = orders.values().flat_map(|(order, _)| &order.ranges).any(|range| {
                range.covers(header.key_epoch, part.stream_tree.0, leaf)
                    || range.covers(header.key_epoch, part.person_tree.0, header.recorded_at.day())
            });
            assert!(!(covered && content.clear().is_some()), "{when}: position {at} can be read");
        }
    }
}

/// No byte of any file is what the erased person wrote.
fn nowhere(dir: &Path, when: &str) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nowhere(&path, when);
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{when}: it is in {}", path.display());
        }
    }
}

fn copy_of(from: &Path, home: &Path, name: &str) -> PathBuf {
    let to = home.join(name);
    copy(from, &to);
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
