//! What happens while an order is decided: a hold that comes first in the log wins, and a keyring
//! that cannot be rewritten is rewritten by the next run.

use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use event_log::{
    DestructionStep, Disk, KeyringStep, Log, OrderOfMany, OsDisk, ReadFault, SegmentFile,
    ShredError,
};
use facts::{
    EntryHeader, LogPosition,
    fact::{RecordKind, ShredCause, SurfaceOutcome},
};
use policies::destruction::{Expects, Keys, RunFault, RunStep};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::{
    destroying::{apply, readable, receipt, run, upload},
    world::{Place, World},
};

const POLICY: &str = "[redaction]\nkeep = \"1h\"\n[policy.brief]\nrecords = [\"messages\", \
                      \"media\"]\nkeep_at_most = \"2d\"\n";

/// Lets somebody place a hold just before the first orders are given.
struct Meddling {
    log: Arc<Log>,
    hold: Box<dyn Fn() + Send + Sync>,
    orders: AtomicUsize,
}

impl Keys for Meddling {
    fn is_destroyed(&self, header: &EntryHeader, part: usize) -> bool {
        Keys::is_destroyed(&*self.log, header, part)
    }

    fn is_stubbed(&self, pdu: LogPosition) -> Result<bool, ReadFault> {
        Keys::is_stubbed(&*self.log, pdu)
    }

    fn order(
        &self,
        orders: Vec<OrderOfMany>,
        expects: Expects,
    ) -> Result<Vec<LogPosition>, ShredError> {
        if self.orders.fetch_add(1, Ordering::SeqCst) == 0 {
            (self.hold)();
        }
        Keys::order(&*self.log, orders, expects)
    }

    fn finish(&self) -> Result<(), ShredError> {
        Keys::finish(&*self.log)
    }

    fn scavenge(
        &self,
        trees: &HashSet<u32>,
        rest: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> SurfaceOutcome {
        Keys::scavenge(&*self.log, trees, rest, goes_on)
    }

    fn unconfirmed_clock_jump(&self) -> Option<LogPosition> {
        Keys::unconfirmed_clock_jump(&*self.log)
    }
}

/// Two rooms in each of which something is over and something was redacted, and a medium.
async fn two_rooms(world: &World) -> (String, String, String) {
    let (room, held, file, _) = two_rooms_and_a_file(world).await;
    (room, held, file)
}

/// As [`two_rooms`], with the content of the event that refers to the medium.
async fn two_rooms_and_a_file(world: &World) -> (String, String, String, Value) {
    let (room, held) = (world.room("dan").await, world.room("dan").await);
    for place in [&room, &held] {
        world.say(place, "dan", "over").await;
    }
    let (media, file) = upload(world, "dan").await;
    let url = format!("mxc://example.org/{media}");
    let refers = json!({ "msgtype": "m.file", "body": "f", "url": url });
    world.send(&room, "dan", refers.clone()).await;
    apply(world, POLICY).await;
    world.pass_days(3);
    for place in [&room, &held] {
        let sent = world.say(place, "dan", "taken back").await.event_id;
        world.redact(place, "dan", &sent).await;
    }
    world.pass_days(1);
    (room.to_string(), held.to_string(), file, refers)
}

fn counts(
    world: &World,
    done: &policies::destruction::RunDone,
) -> Vec<(RecordKind, ShredCause, u64)> {
    let receipt = receipt(world, done);
    receipt.destroyed.iter().map(|of| (of.kind, of.cause, of.records)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_comes_before_the_orders_keeps_what_it_covers_and_the_rest_is_counted() {
    let world = Arc::new(World::new().await);
    let (_, held, file) = two_rooms(&world).await;
    let before = readable(&world);
    let (placing, runtime) = (Arc::clone(&world), Handle::current());
    let hold = move || {
        let parts = json!({ "matter": "m", "parts": [{ "rooms": [held] }], "reason": "x" });
        runtime.block_on(placing.post("ann", "/holds", &parts)).ok();
    };
    let log = Arc::clone(&world.failing.log);
    let meddling = Meddling { log, hold: Box::new(hold), orders: AtomicUsize::new(0) };
    let mut destroyer = world.destroyer();
    let meddling = Arc::new(meddling);
    destroyer.keys = Arc::clone(&meddling) as _;
    let done = destroyer.run(None, &|| false).await.unwrap();
    assert_eq!(meddling.orders.load(Ordering::SeqCst), 2, "refused once, given once");
    let expected = [
        (RecordKind::Messages, ShredCause::Retention, 2),
        (RecordKind::Messages, ShredCause::Redaction, 1),
        (RecordKind::Media, ShredCause::Retention, 1),
    ];
    assert_eq!(counts(&world, &done), expected);
    assert_eq!(receipt(&world, &done).restricted, 2);
    assert!(!world.media_path(&file).exists());
    let gone = before.difference(&readable(&world)).count();
    assert_eq!(gone, 4, "what is held can be read");
}

/// A keys directory that fails at a step, once it is told to.
struct FailingKeys(AtomicBool);

impl Disk for FailingKeys {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        OsDisk.open(path)
    }

    fn before(&self, step: DestructionStep) -> io::Result<()> {
        let fails = self.0.load(Ordering::SeqCst)
            && step == DestructionStep::Keyring(KeyringStep::WriteNew);
        if fails { Err(io::Error::other("injected")) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_cannot_be_rewritten_is_said_and_the_next_run_finishes_it() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingKeys(AtomicBool::new(false)));
    let place = Place::at(dir.path().to_owned(), 1_700_000_000_000);
    let world = World::open(Place { disk: Arc::clone(&disk) as _, ..place }).await;
    world.people().await;
    let (_, _, file) = two_rooms(&world).await;
    disk.0.store(true, Ordering::SeqCst);
    let failed = world.destroyer().run(None, &|| false).await;
    assert!(matches!(failed, Err(RunFault::Order(ShredError::Keyring(_)))), "{failed:?}");
    assert!(world.media_path(&file).exists(), "nothing is said to be done");
    let again = world.destroyer().run(None, &|| false).await;
    assert!(matches!(again, Err(RunFault::Order(ShredError::Keyring(_)))), "{again:?}");
    disk.0.store(false, Ordering::SeqCst);
    let done = run(&world).await;
    let expected = [
        (RecordKind::Messages, ShredCause::Retention, 3),
        (RecordKind::Messages, ShredCause::Redaction, 2),
        (RecordKind::Media, ShredCause::Retention, 1),
    ];
    assert_eq!(counts(&world, &done), expected, "of orders that have no receipt");
    assert!(!world.media_path(&file).exists());
    assert_eq!(world.failing.log.scavenge().unwrap(), (0, 0), "ciphertext was left");
    drop(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_sent_again_while_orders_are_decided_is_kept() {
    let world = Arc::new(World::new().await);
    let (room, _, file, refers) = two_rooms_and_a_file(&world).await;
    let (sending, runtime, sent) = (Arc::clone(&world), Handle::current(), AtomicBool::new(false));
    let mut destroyer = world.destroyer();
    // Everything is judged by then, and nothing ordered.
    destroyer.before = Arc::new(move |step| {
        if step == RunStep::Stub && !sent.swap(true, Ordering::SeqCst) {
            let room = room.as_str().try_into().unwrap();
            let again = sending.send(&room, "dan", refers.clone());
            tokio::task::block_in_place(|| runtime.block_on(again));
        }
    });
    let done = destroyer.run(None, &|| false).await.unwrap();
    let expected = [
        (RecordKind::Messages, ShredCause::Retention, 3),
        (RecordKind::Messages, ShredCause::Redaction, 2),
    ];
    assert_eq!(counts(&world, &done), expected);
    assert!(world.media_path(&file).exists());
}
