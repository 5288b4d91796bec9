//! Copies of a log: of segments up to a position, of the keyring, and going on from one that is
//! older than another.

use std::{
    fs,
    path::{Path, PathBuf},
};

use event_log::{
    ForkError, GoOn, Keyring, Log, LogOptions, PartContent, ShredRequest,
    backup::{
        CopyFault, NewerError, SegmentPath, copy_segment, open_order, read_newer, segment_paths,
    },
    verify,
};
use facts::{
    Incarnation, KeyEpoch, LogPosition, StreamId,
    fact::{ForkReason, KeyRange, ShredCause, ShredOrdered},
};

use crate::world::{World, batch, copy, draft, open_person, open_stream, part, say, talk};

fn whole_tree(tree: u32) -> KeyRange {
    KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree,
        leaf_first: 0,
        leaf_last: u32::MAX,
    }
}

/// Copies segments up to a position, as a restore does; answers where the copy ends.
fn copy_through(segments: &[SegmentPath], through: LogPosition, to: &Path) -> Option<LogPosition> {
    fs::create_dir_all(to).unwrap();
    let mut end = None;
    for segment in segments.iter().filter(|segment| segment.first <= through) {
        let place = to.join(segment.file_name());
        let copied = copy_segment(segment, through, &place).unwrap();
        match copied.last {
            Some((last, _)) => end = Some(last),
            None => fs::remove_file(place).unwrap(),
        }
    }
    end
}

fn segments_in(dir: &Path) -> PathBuf {
    LogOptions::new(dir, "example.org").segments_dir()
}

#[test]
fn a_copy_that_cannot_be_written_is_named_and_a_segment_that_cannot_be_read_is_none_of_it() {
    let world = World::small_segments();
    let log = world.open();
    talk(&log, 3);
    let segments = segment_paths(&log.options().segments_dir()).unwrap();
    let nowhere = log.options().data_dir.join("none").join("copy");
    let fault = copy_segment(&segments[0], log.head(), &nowhere).unwrap_err();
    let CopyFault::Write { to, error } = fault else { panic!("{fault}") };
    assert_eq!((to, error.kind()), (nowhere.clone(), std::io::ErrorKind::NotFound));
    let missing = SegmentPath { first: segments[0].first, path: nowhere.clone() };
    let fault = copy_segment(&missing, log.head(), &nowhere).unwrap_err();
    assert!(matches!(fault, CopyFault::Read(_)), "{fault}");
}

#[test]
fn a_copy_ends_after_a_whole_batch_and_verifies_wherever_it_is_cut() {
    let world = World::small_segments();
    let log = world.open();
    let (room, _) = talk(&log, 20);
    // Batches of three, several of which share a write where they come together.
    let three = || {
        (0..3).map(|n| draft(room, vec![part(facts::RecordClass::MessageSkeleton, None, &[n; 40])]))
    };
    let appended: Vec<_> = (0..20).map(|_| log.append(batch(three().collect())).unwrap()).collect();
    let firsts: Vec<_> = appended.iter().map(|one| one.first).collect();
    for one in appended {
        one.durable.wait().unwrap();
    }
    let head = log.head();
    let digests: Vec<_> =
        (0..=head.0).map(|at| log.read_raw(LogPosition(at)).unwrap().unwrap().digest).collect();
    let segments = segment_paths(&world.segments()).unwrap();
    assert!(segments.len() > 2, "{segments:?}");
    for through in (0..=head.0).map(LogPosition) {
        let dir = tempfile::tempdir().unwrap();
        let end = copy_through(&segments, through, &segments_in(dir.path()));
        let expected = match firsts.iter().rfind(|first| first.0 <= through.0) {
            Some(first) if first.0 + 2 > through.0 => LogPosition(first.0 - 1),
            _ => through,
        };
        assert_eq!(end, Some(expected), "through {through}");
        let report = verify(&segments_in(dir.path()), None).unwrap();
        assert!(report.ok && report.torn_tail_bytes == 0, "through {through}: {report:?}");
        assert_eq!(report.head, Some(expected));
        let last = read_newer(
            &segment_paths(&segments_in(dir.path())).unwrap(),
            &Keyring::open_read_only(&world.options().keys_dir, log.log_id(), world.random())
                .unwrap(),
            expected,
        );
        assert_eq!(last.unwrap().digest, Some(digests[usize::try_from(expected.0).unwrap()]));
    }
}

#[test]
fn a_copy_of_a_log_that_is_written_to_ends_where_it_is_told() {
    let world = World::small_segments();
    let log = world.open();
    let (room, person) = talk(&log, 10);
    let segments = segment_paths(&world.segments()).unwrap();
    let through = log.head();
    for number in 0..60_u32 {
        say(&log, room, person, &number.to_be_bytes());
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(copy_through(&segments, through, &segments_in(dir.path())), Some(through));
    assert!(verify(&segments_in(dir.path()), None).unwrap().ok);
}

#[test]
fn a_copied_keyring_is_a_keyring_of_its_own() {
    let world = World::new();
    let log = world.open();
    let (room, person) = talk(&log, 3);
    let said = say(&log, room, person, b"text");
    let tree = said.header.parts[1].person_tree.0;
    let before = tempfile::tempdir().unwrap();
    let copied = log.copy_keyring(before.path()).unwrap();
    assert_eq!(copied.applied_through, LogPosition(0));
    assert!(log.copy_keyring(before.path()).is_err(), "never over another keyring");
    order(&log, tree);
    let after = tempfile::tempdir().unwrap();
    assert_eq!(log.copy_keyring(after.path()).unwrap().applied_through, log.destroyed_through());
    let opens = |dir: &Path| {
        let keyring = Keyring::open_read_only(dir, log.log_id(), world.random()).unwrap();
        keyring.leaf(KeyEpoch(1), facts::TreeId(tree), said.header.recorded_at.day()).is_some()
    };
    assert!(opens(before.path()) && !opens(after.path()));
    let ours = fs::read(before.path().join("keyring")).unwrap();
    assert_ne!(ours, fs::read(world.options().keys_dir.join("keyring")).unwrap());
}

fn order(log: &Log, tree: u32) -> LogPosition {
    let request = ShredRequest {
        ranges: vec![whole_tree(tree)],
        cause: ShredCause::Erasure,
        expects: Vec::new(),
        scavenging: event_log::Scavenging::All,
    };
    log.order_shred(request, |_| Vec::new()).unwrap().order
}

/// A log with an older copy of itself, and an order that the copy has not seen.
struct Parted {
    world: World,
    older: tempfile::TempDir,
    room: StreamId,
    person: StreamId,
    said: event_log::Entry,
    newer: Log,
    order: LogPosition,
}

fn parted() -> Parted {
    let world = World::small_segments();
    let log = world.open();
    let (room, person) = (open_stream(&log, "room"), open_person(&log, "alice"));
    let said = say(&log, room, person, b"to be erased");
    log.close();
    let older = tempfile::tempdir().unwrap();
    copy(world.dir.path(), older.path());
    let newer = world.open();
    for number in 0..30_u32 {
        say(&newer, room, person, &number.to_be_bytes());
    }
    let order = order(&newer, said.header.parts[1].person_tree.0);
    Parted { world, older, room, person, said, newer, order }
}

fn go_on(above: u32, orders: Vec<ShredOrdered>) -> GoOn {
    GoOn { reason: ForkReason::Restore, above: Incarnation(above), orders }
}

#[test]
fn an_older_copy_carries_out_the_orders_of_the_newer_one() {
    let Parted { world, older, room, person, said, newer, order } = parted();
    let keys = Keyring::open_read_only(&world.options().keys_dir, newer.log_id(), world.random());
    let log = world.try_open_in(older.path()).unwrap();
    let found =
        read_newer(&segment_paths(&world.segments()).unwrap(), &keys.unwrap(), log.head()).unwrap();
    assert_eq!(found.log_id, Some(log.log_id()));
    assert_eq!(found.head, Some(newer.head()));
    assert_eq!(found.digest, Some(log.read_raw(log.head()).unwrap().unwrap().digest));
    let [one] = found.orders.as_slice() else { panic!("{:?}", found.orders) };
    assert_eq!(one.position, order);

    assert!(log.read(said.header.position).unwrap().unwrap().parts[1].clear().is_some());
    let incarnation = log.go_on(go_on(3, vec![one.ordered.clone()])).unwrap();
    assert_eq!(incarnation, Incarnation(4), "above what was seen");
    let read = log.read(said.header.position).unwrap().unwrap();
    assert_eq!(read.parts[1], PartContent::Destroyed);
    assert_eq!(read.digest, said.digest);
    // The person has no tree until something of the own stream opens one.
    let content = part(facts::RecordClass::MessageContent, Some(person.into()), b"x");
    log.append(batch(vec![draft(room, vec![content])])).unwrap_err();
    let account = part(facts::RecordClass::Account, Some(person.into()), b"again");
    log.append(batch(vec![draft(person, vec![account])])).unwrap().durable.wait().unwrap();
    let again = say(&log, room, person, b"a new life");
    assert_eq!(again.header.incarnation, Incarnation(4));
    assert!(again.header.parts[0].stream_tree > said.header.parts[0].stream_tree);
    drop(log);
    let log = world.try_open_in(older.path()).unwrap();
    assert_eq!(log.incarnation(), Incarnation(4));
    assert_eq!(log.read(said.header.position).unwrap().unwrap().parts[1], PartContent::Destroyed);
    assert!(verify(&segments_in(older.path()), None).unwrap().ok);
}

#[test]
fn a_keyring_that_is_ahead_of_the_log_does_not_swallow_later_orders() {
    let Parted { world, older, room, newer, order, .. } = parted();
    newer.close();
    let keys = older.path().join("keyring");
    fs::remove_dir_all(&keys).unwrap();
    copy(&world.options().keys_dir, &keys);
    let log = world.try_open_in(older.path()).unwrap();
    assert_eq!(log.destroyed_through(), order, "it knows an order that this log does not have");
    let head = log.head();
    log.go_on(go_on(1, Vec::new())).unwrap();
    assert_eq!(log.destroyed_through(), head);
    let bob = open_person(&log, "bob");
    let said = say(&log, room, bob, b"of bob");
    let later = crate::going_on::order(&log, said.header.parts[1].person_tree.0);
    assert!(later < order, "the position was given before");
    assert_eq!(log.destroyed_through(), later);
}

#[test]
fn an_order_that_the_keyring_is_too_old_for_is_not_passed_over() {
    let world = World::new();
    let log = world.open();
    let (room, person) = talk(&log, 2);
    let older = tempfile::tempdir().unwrap();
    log.copy_keyring(older.path()).unwrap();
    let head = log.head();
    world.clock.set(20_000 * crate::world::DAY_MS + 91 * crate::world::DAY_MS);
    // The epoch is opened beside the first write after it is due.
    let mut said = say(&log, room, person, b"in the next epoch");
    while said.header.key_epoch == KeyEpoch(1) {
        said = say(&log, room, person, b"in the next epoch");
    }
    let order = order(&log, said.header.parts[1].person_tree.0);
    let keyring = Keyring::open_read_only(older.path(), log.log_id(), world.random()).unwrap();
    let newer = read_newer(&segment_paths(&world.segments()).unwrap(), &keyring, head).unwrap();
    assert_eq!((newer.unopened, newer.orders), (vec![order], Vec::new()));
    let sealed = log.sealed_orders_after(head, 1).unwrap().remove(0);
    let refused = open_order(log.log_id(), &sealed.frame.into(), &keyring);
    assert!(matches!(refused, Err(NewerError::NotOpened(at)) if at == order), "{refused:?}");
}

#[test]
fn orders_and_incarnations_are_bounded() {
    let world = World::new();
    let log = world.open();
    let refused = log.go_on(go_on(u32::MAX, Vec::new())).unwrap_err();
    assert!(matches!(refused, ForkError::TooFar { .. }), "{refused}");
    let many = vec![whole_tree(9); event_log::REPEATED_RANGES_MAX + 1];
    let order = ShredOrdered { ranges: many, cause: ShredCause::Retention };
    let refused = log.go_on(go_on(1, vec![order])).unwrap_err();
    assert!(matches!(refused, ForkError::TooManyRanges(_)), "{refused}");
    assert_eq!(log.incarnation(), Incarnation(1), "nothing was appended");
    let most = ShredOrdered {
        ranges: vec![whole_tree(9); event_log::REPEATED_RANGES_MAX],
        cause: ShredCause::Retention,
    };
    assert_eq!(log.go_on(go_on(1, vec![most])).unwrap(), Incarnation(2));
}
