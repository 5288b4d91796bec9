//! Destroying keys, scavenging ciphertext, restored keyrings.

use std::{
    cell::Cell,
    collections::HashSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use event_log::{
    AppendRefusal, Keyring, Log, LogOptions, PartContent, Scavenging, ShredError, ShredRequest,
    verify,
};
use facts::{
    ExpectedRevision, KeyEpoch, Revision, StreamId, TreeId,
    fact::{KeyRange, ShredCause, ShredSurface, SurfaceOutcome},
};

use crate::world::{World, batch, copy, draft, files, open_person, open_stream, part, say};

fn whole_tree(tree: u32) -> KeyRange {
    KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree,
        leaf_first: 0,
        leaf_last: u32::MAX,
    }
}

fn request(ranges: Vec<KeyRange>) -> ShredRequest {
    ShredRequest {
        ranges,
        cause: ShredCause::Erasure,
        expects: Vec::new(),
        scavenging: Scavenging::All,
    }
}

struct Told {
    room: StreamId,
    alice: StreamId,
    bob: StreamId,
    hers: Vec<event_log::Entry>,
    his: Vec<event_log::Entry>,
}

fn conversation(log: &Log) -> Told {
    let room = open_stream(log, "room");
    let alice = open_person(log, "alice");
    let bob = open_person(log, "bob");
    let mut told = Told { room, alice, bob, hers: Vec::new(), his: Vec::new() };
    for i in 0..30_u32 {
        told.hers.push(say(log, room, alice, format!("alice {i} {}", "a".repeat(60)).as_bytes()));
        told.his.push(say(log, room, bob, format!("bob {i} {}", "b".repeat(60)).as_bytes()));
    }
    told
}

fn bytes_on_disk(world: &World) -> u64 {
    let segments = files(&world.segments(), "seg");
    segments.iter().map(|file| fs::metadata(file).unwrap().len()).sum()
}

fn assert_destroyed(log: &Log, told: &Told) {
    for (hers, his) in told.hers.iter().zip(&told.his) {
        let read = log.read(hers.header.position).unwrap().unwrap();
        assert_eq!(read.digest, hers.digest, "the digest outlives the text");
        assert_eq!(read.parts[0], hers.parts[0], "the skeleton stays");
        assert_eq!(read.parts[1], PartContent::Destroyed);
        assert_eq!(log.read(his.header.position).unwrap().unwrap(), *his);
    }
}

#[test]
fn an_erased_person_is_unreadable_the_bytes_are_gone_and_all_proofs_hold() {
    let world = World::small_segments();
    let log = world.open();
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let before = bytes_on_disk(&world);
    let receipt = log.order_shred(request(vec![whole_tree(tree)]), |_| Vec::new()).unwrap();
    let outcome = |surface| receipt.reports.iter().find(|r| r.surface == surface).unwrap().outcome;
    assert_eq!(outcome(ShredSurface::Keyring), SurfaceOutcome::Done);
    assert_eq!(outcome(ShredSurface::Segments), SurfaceOutcome::Done);
    assert_destroyed(&log, &told);
    assert!(bytes_on_disk(&world) < before, "ciphertext went");
    assert_eq!(log.scavenge().unwrap(), (0, 0), "nothing is left to scavenge");

    // Elsewhere she has no tree any more; in her own stream a new one opens.
    let content = || vec![part(facts::RecordClass::MessageContent, Some(told.alice.into()), b"x")];
    let refused = log.append(batch(vec![draft(told.room, content())]));
    assert!(matches!(refused, Err(AppendRefusal::NoPersonTree(person)) if person == told.alice));
    let account = part(facts::RecordClass::Account, Some(told.alice.into()), b"again");
    let own = log.append(batch(vec![draft(told.alice, vec![account])])).unwrap();
    assert!(own.headers[0].parts[0].person_tree.0 > tree);
    own.durable.wait().unwrap();
    say(&log, told.room, told.alice, b"a new life");
    drop(log);

    for rebuilt in [false, true] {
        if rebuilt {
            fs::remove_dir_all(world.options().index_dir()).unwrap();
        }
        let log = world.open();
        assert_destroyed(&log, &told);
        say(&log, told.room, told.alice, b"still the new one");
        let keys = Keyring::open(&world.options().keys_dir, log.log_id(), world.random());
        drop(log);
        let report = verify(&world.segments(), Some(&keys.unwrap())).unwrap();
        assert!(report.ok, "{report:?}");
    }
}

#[test]
fn an_order_without_rolling_leaves_the_active_segment_for_later() {
    let mut world = World::new();
    let log = world.open();
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let ordered =
        ShredRequest { scavenging: Scavenging::Closed, ..request(vec![whole_tree(tree)]) };
    let receipt = log.order_shred(ordered, |_| Vec::new()).unwrap();
    let segments = receipt.reports.iter().find(|r| r.surface == ShredSurface::Segments).unwrap();
    assert_eq!(segments.outcome, SurfaceOutcome::Pending);
    assert_destroyed(&log, &told);
    drop(log);

    // Once the segment is closed the scrub drops what is left in it.
    world.segment_bytes = 2_000;
    let log = world.open();
    let before = bytes_on_disk(&world);
    say(&log, told.room, told.bob, b"this closes the segment");
    log.scrub(|| true).unwrap();
    assert!(bytes_on_disk(&world) < before, "ciphertext went");
    assert_destroyed(&log, &told);
    assert_eq!(log.scavenge().unwrap(), (0, 0), "nothing is left to scavenge");
}

#[test]
fn the_logs_own_stream_is_never_destroyed() {
    let world = World::new();
    let log = world.open();
    let first = log.read(facts::LogPosition(0)).unwrap().unwrap();
    let own = whole_tree(first.header.parts[0].stream_tree.0);
    let refused = log.order_shred(request(vec![own]), |_| Vec::new());
    assert!(matches!(refused, Err(ShredError::OwnStream)));
    let head = log.head();
    drop(log);
    assert_eq!(world.open().head(), head);
}

#[test]
fn single_leaves_go_alone_and_a_moved_hold_refuses_the_order() {
    let world = World::new();
    let log = world.open();
    let told = conversation(&log);
    let part = told.his[3].header.parts[1];
    let leaf = u32::try_from(told.his[3].header.revision.0).unwrap();
    let range = KeyRange { leaf_first: leaf, leaf_last: leaf, ..whole_tree(part.stream_tree.0) };
    let held = ShredRequest {
        expects: vec![(told.alice, ExpectedRevision::Exactly(Revision(7)))],
        ..request(vec![range])
    };
    assert!(log.order_shred(held, |_| Vec::new()).is_err());
    let untouched = log.read(told.his[3].header.position).unwrap().unwrap();
    assert_eq!(untouched, told.his[3]);
    log.order_shred(request(vec![range]), |_| Vec::new()).unwrap();
    for (i, entry) in told.his.iter().enumerate() {
        let read = log.read(entry.header.position).unwrap().unwrap();
        assert_eq!(read.parts[1] == PartContent::Destroyed, i == 3, "entry {i}");
    }
}

#[test]
fn a_restored_older_keyring_destroys_again_before_the_first_read() {
    let world = World::small_segments();
    let log = world.open();
    let told = conversation(&log);
    let backup = tempfile::tempdir().unwrap();
    let keys_dir = world.options().keys_dir;
    copy(&keys_dir, backup.path());
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let receipt = log.order_shred(request(vec![whole_tree(tree)]), |_| Vec::new()).unwrap();
    drop(log);
    fs::remove_dir_all(&keys_dir).unwrap();
    copy(backup.path(), &keys_dir);
    let log = world.open();
    assert_destroyed(&log, &told);
    assert_eq!(log.stat().unwrap().destroyed_through, receipt.order);
    let log_id = log.log_id();
    drop(log);
    // The ciphertext is scavenged, which alone would hide a key that came back.
    let keys = Keyring::open(&keys_dir, log_id, world.random()).unwrap();
    let (header, tree) = (&told.hers[0].header, TreeId(tree));
    assert!(keys.leaf(header.key_epoch, tree, header.recorded_at.day()).is_none());
}

#[test]
fn an_order_that_a_crash_left_unfinished_is_finished_at_the_start() {
    let world = World::small_segments();
    let log = world.open();
    let told = conversation(&log);
    let ordered = facts::fact::ShredOrdered {
        ranges: vec![whole_tree(told.hers[0].header.parts[1].person_tree.0)],
        cause: ShredCause::Erasure,
    };
    // The order alone, as if the process had died right after it.
    let fact = facts::Fact::from(ordered);
    let drafted = fact.draft(facts::Routing::server(StreamId(0))).unwrap();
    let appended = log.append(batch(vec![drafted])).unwrap();
    let order = appended.first;
    appended.durable.wait().unwrap();
    assert_destroyed(&log, &told);
    drop(log);
    let log = world.open();
    assert_destroyed(&log, &told);
    let last = log.read(log.head()).unwrap().unwrap();
    let Some(facts::Fact::ShredDone(done)) = last.fact().unwrap() else {
        panic!("{last:?}");
    };
    assert_eq!(done.order, order);
    let head = log.head();
    drop(log);
    assert_eq!(world.open().head(), head, "it is finished once");
}

#[test]
fn readers_go_on_while_segments_are_scavenged() {
    let world = World::small_segments();
    let log = Arc::new(world.open());
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let over = Arc::new(AtomicBool::new(false));
    let known: Vec<_> = told.hers.iter().chain(&told.his).cloned().collect();
    let reader = {
        let (log, over) = (Arc::clone(&log), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut rounds = 0;
            while !over.load(Ordering::SeqCst) || rounds == 0 {
                for entry in &known {
                    let read = log.read(entry.header.position).unwrap().unwrap();
                    assert_eq!(read.digest, entry.digest);
                    let whole = read.parts == entry.parts;
                    assert!(whole || read.parts[1] == PartContent::Destroyed);
                }
                rounds += 1;
            }
        })
    };
    log.order_shred(request(vec![whole_tree(tree)]), |_| Vec::new()).unwrap();
    over.store(true, Ordering::SeqCst);
    reader.join().unwrap();
    assert_destroyed(&log, &told);
}

#[test]
fn what_a_crash_during_scavenging_leaves_is_harmless() {
    let world = World::small_segments();
    let log = world.open();
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let sidecars: Vec<_> = files(&world.segments(), "idx")
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    assert!(sidecars.len() > 2);
    log.order_shred(request(vec![whole_tree(tree)]), |_| Vec::new()).unwrap();
    drop(log);
    // After the rename and before the new sidecar: the old sidecar beside the new segment.
    for (bytes, path) in &sidecars {
        fs::write(path, bytes).unwrap();
    }
    // Before the rename: half a new file.
    let leftover = world.segments().join("00000000000000000000.seg.new");
    fs::write(&leftover, b"half").unwrap();
    let log = world.open();
    assert!(!leftover.exists());
    assert_destroyed(&log, &told);
}

#[test]
fn an_order_that_must_be_off_site_is_carried_out_at_once_and_reported_when_it_is_there() {
    let world = World::new();
    let options = LogOptions { orders_kept_offsite: true, ..world.options() };
    let clock = || Arc::new(world.clock.clone());
    let open = || Log::open(options.clone(), clock(), world.random()).unwrap();
    let log = open();
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let receipt = log.order_shred(request(vec![whole_tree(tree)]), |_| Vec::new()).unwrap();
    assert_eq!((receipt.done, log.orders_unreported()), (None, 1));
    assert_destroyed(&log, &told);

    // What is kept of it opens by itself, for the log's keyring alone.
    let orders = log.sealed_orders_after(facts::LogPosition(0), 10).unwrap();
    assert_eq!(orders.iter().map(|order| order.position).collect::<Vec<_>>(), [receipt.order]);
    assert!(log.sealed_orders_after(receipt.order, 10).unwrap().is_empty());
    let keyring = |world: &World| {
        let dir = world.options().keys_dir;
        let id = Keyring::log_id_in(&dir).unwrap().unwrap();
        Keyring::open_read_only(&dir, id, world.random()).unwrap()
    };
    let frame = bytes::Bytes::from(orders[0].frame.clone());
    let opened = event_log::backup::open_order(log.log_id(), &frame, &keyring(&world)).unwrap();
    assert_eq!((opened.0, opened.1.position), (log.incarnation(), receipt.order));
    assert_eq!(opened.1.ordered.ranges, vec![whole_tree(tree)]);
    let stranger = World::new();
    // Other keys than those of the log.
    let _ = stranger.random();
    drop(stranger.open());
    assert!(event_log::backup::open_order(log.log_id(), &frame, &keyring(&stranger)).is_err());
    for at in 0..frame.len() {
        let mut altered = frame.to_vec();
        altered[at] ^= 1;
        let read = event_log::backup::open_order(log.log_id(), &altered.into(), &keyring(&world));
        assert!(read.is_err(), "byte {at}");
    }

    // A start does not report it either; being told of an earlier one neither.
    drop(log);
    let log = open();
    assert_destroyed(&log, &told);
    assert_eq!(log.orders_unreported(), 1);
    let before = facts::LogPosition(receipt.order.0 - 1);
    assert_eq!(log.orders_are_offsite(before).unwrap(), 0);
    assert_eq!(log.orders_are_offsite(log.head()).unwrap(), 1);
    assert_eq!((log.orders_unreported(), log.orders_are_offsite(log.head()).unwrap()), (0, 0));
    let done = log.read(log.head()).unwrap().unwrap().fact().unwrap().unwrap();
    let facts::Fact::ShredDone(done) = done else { panic!("{done:?}") };
    assert_eq!(done.order, receipt.order);
    let outcome = done.reports.iter().find(|of| of.surface == ShredSurface::Offsite);
    assert_eq!(outcome.unwrap().outcome, SurfaceOutcome::Done);
    drop(log);
    assert_eq!(open().orders_unreported(), 0);
}

#[test]
fn what_is_in_closed_segments_is_known() {
    let world = World::new();
    let log = world.open();
    assert_eq!(log.closed_through(), None);
    conversation(&log);
    let head = log.head();
    assert!(log.close_segment());
    assert_eq!(log.closed_through(), Some(head));
    conversation(&log);
    assert_eq!(log.closed_through(), Some(head));
    assert!(log.close_segment());
    assert_eq!(log.closed_through(), Some(log.head()));
}

#[test]
fn scavenging_that_is_not_to_go_on_ends_before_a_segment_and_says_so() {
    let world = World::small_segments();
    let log = world.open();
    let told = conversation(&log);
    let tree = told.hers[0].header.parts[1].person_tree.0;
    let later = ShredRequest { scavenging: Scavenging::Later, ..request(vec![whole_tree(tree)]) };
    log.order_shred(later, |_| Vec::new()).unwrap();
    let (before, asked) = (bytes_on_disk(&world), Cell::new(0));
    let once = || asked.replace(asked.get() + 1) == 0;
    let outcome = log.scavenge_trees(&HashSet::from([tree]), &mut || (), &once);
    assert_eq!((outcome, asked.get()), (SurfaceOutcome::Pending, 2));
    let outcome = log.scavenge_trees(&HashSet::from([tree]), &mut || (), &|| true);
    assert_eq!(outcome, SurfaceOutcome::Done);
    assert!(bytes_on_disk(&world) < before, "ciphertext went");
    assert_destroyed(&log, &told);
    assert_eq!(log.scavenge().unwrap(), (0, 0), "nothing is left to scavenge");
}
