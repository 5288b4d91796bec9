//! Positions, revisions, references, expectations, limits.

use std::{collections::BTreeSet, sync::Arc};

use event_log::{AppendRefusal, LeaseError, OpenError, PartContent};
use facts::{
    EntryRef, ExpectedRevision, LogPosition, PART_BYTES_MAX, RecordClass, Revision, StreamId,
    StreamRef, fact::ForkReason,
};

use crate::world::{DAY_MS, World, batch, draft, open_person, open_stream, part, say};

#[test]
fn a_new_log_says_what_it_is_and_is_not_opened_for_another_server() {
    let world = World::new();
    let log = world.open();
    let first = log.read(LogPosition(0)).unwrap().unwrap();
    let Some(facts::Fact::LogOpened(opened)) = first.fact().unwrap() else {
        panic!("{first:?}");
    };
    assert_eq!(opened.log_id, log.log_id());
    assert_eq!(opened.server_name, "example.org");
    drop(log);
    let mut options = world.options();
    options.server_name = "other.example".to_owned();
    let refused = event_log::Log::open(options, Arc::new(world.clock.clone()), world.random());
    assert!(matches!(refused, Err(OpenError::OtherServer { .. })));
}

#[test]
fn a_second_writer_is_refused_and_the_refusal_names_the_directory() {
    let world = World::new();
    let log = world.open();
    let Err(OpenError::Lease(lease)) = world.try_open_in(world.dir.path()) else {
        panic!("the lease was given twice");
    };
    assert!(matches!(lease, LeaseError::Held(_)));
    assert!(lease.to_string().contains(world.dir.path().to_str().unwrap()));
    log.close();
    world.open();
}

#[test]
fn references_inside_a_batch_become_positions() {
    let world = World::new();
    let log = world.open();
    let (person, room) = (StreamRef::OpenedBy(0), StreamRef::OpenedBy(1));
    let mut second = draft(room, vec![part(RecordClass::Name, None, b"#room")]);
    second.actor = person;
    second.cause = Some(EntryRef::InBatch(0));
    let mut third = draft(room, vec![part(RecordClass::MessageContent, Some(person), b"hello")]);
    third.actor = person;
    let appended = log
        .append(batch(vec![
            draft(person, vec![part(RecordClass::Account, Some(person), b"me")]),
            second,
            third,
        ]))
        .unwrap();
    let headers = appended.headers.clone();
    appended.durable.wait().unwrap();
    assert_eq!(headers[0].stream, StreamId(1));
    assert_eq!(headers[1].stream, StreamId(2));
    assert_eq!(headers[2].stream, StreamId(2));
    assert_eq!(headers[2].revision, Revision(1));
    assert_eq!(headers[1].cause, LogPosition(1));
    assert_eq!(headers[1].actor, StreamId(1));
    assert!(headers.iter().all(|header| header.batch == LogPosition(1)));
    assert_eq!(headers[2].parts[0].person_tree, headers[0].parts[0].person_tree);
    let read = log.read(LogPosition(3)).unwrap().unwrap();
    assert_eq!(read.header, headers[2]);
    assert_eq!(read.parts, [PartContent::Clear(b"hello".as_slice().into())]);
}

#[test]
fn refusals_leave_nothing_behind() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let nobody = StreamId(999);
    let name = || vec![part(RecordClass::Name, None, b"x")];
    let personal = part(RecordClass::MessageContent, Some(room.into()), b"x");
    let refusal = |drafts| log.append(batch(drafts)).unwrap_err();
    assert!(matches!(refusal(vec![]), AppendRefusal::Empty));
    assert!(matches!(
        refusal(vec![draft(room, name()), draft(nobody, name())]),
        AppendRefusal::UnknownStream(stream) if stream == nobody
    ));
    assert!(matches!(
        refusal(vec![draft(StreamRef::OpenedBy(1), name())]),
        AppendRefusal::BadReference(0)
    ));
    assert!(matches!(
        refusal(vec![draft(StreamId(0), vec![personal])]),
        AppendRefusal::NoPersonTree(stream) if stream == room
    ));
    let huge = part(RecordClass::Name, None, &vec![0; PART_BYTES_MAX + 1]);
    assert!(matches!(refusal(vec![draft(room, vec![huge])]), AppendRefusal::TooLarge));
    let many = vec![draft(room, name()); facts::BATCH_ENTRIES_MAX + 1];
    assert!(matches!(refusal(many), AppendRefusal::TooLarge));
    let head = log.head();
    let next = say_plain(&log, room);
    assert_eq!(next, head.next(), "no position was lost");
}

fn say_plain(log: &event_log::Log, room: StreamId) -> LogPosition {
    let name = part(RecordClass::MessageSkeleton, None, b"plain");
    let appended = log.append(batch(vec![draft(room, vec![name])])).unwrap();
    let first = appended.first;
    appended.durable.wait().unwrap();
    first
}

#[test]
fn expected_revisions_are_checked_when_positions_are_given() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let mut wish = batch(vec![draft(room, vec![part(RecordClass::MessageSkeleton, None, b"1")])]);
    wish.expects = vec![(room, ExpectedRevision::Exactly(Revision(0)))];
    // The first is not awaited: the second must see it all the same.
    let first = log.append(wish.clone()).unwrap();
    let AppendRefusal::RevisionMoved { stream, actual, .. } = log.append(wish).unwrap_err() else {
        panic!("the second append was taken");
    };
    assert_eq!((stream, actual), (room, Some(Revision(1))));
    first.durable.wait().unwrap();
}

#[test]
fn recorded_time_never_goes_back_and_a_new_epoch_opens_after_ninety_days() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    let before = say(&log, room, person, b"one");
    world.clock.set(DAY_MS);
    let back = say(&log, room, person, b"two");
    assert_eq!(back.header.recorded_at, before.header.recorded_at);
    world.clock.set(20_090 * DAY_MS);
    // The writer opens it on its way, and nobody waits for it to get a position.
    let on_its_way = say(&log, room, person, b"three");
    assert_eq!(on_its_way.header.key_epoch, before.header.key_epoch);
    let later = say(&log, room, person, b"four");
    assert_eq!(later.header.key_epoch.0, before.header.key_epoch.0 + 1);
    assert_eq!(later.header.parts[0].stream_tree, before.header.parts[0].stream_tree);
    drop(log);
    let log = world.open();
    for entry in [before, back, on_its_way, later] {
        assert_eq!(log.read(entry.header.position).unwrap().unwrap(), entry);
    }
}

#[test]
fn a_fork_raises_the_incarnation_and_opens_new_trees() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    let before = say(&log, room, person, b"one");
    let forked = log.fork(ForkReason::Restore).unwrap();
    assert_eq!(forked.headers[0].incarnation.0, 2);
    forked.durable.wait().unwrap();
    let after = say(&log, room, person, b"two");
    assert_eq!(after.header.incarnation.0, 2);
    assert!(after.header.parts[0].stream_tree > before.header.parts[0].stream_tree);
    assert_eq!(after.header.parts[1].person_tree, before.header.parts[1].person_tree);
    drop(log);
    std::fs::remove_dir_all(world.options().index_dir()).unwrap();
    let log = world.open();
    let again = say(&log, room, person, b"three");
    assert_eq!(again.header.parts[0].stream_tree, after.header.parts[0].stream_tree);
    assert_eq!(log.incarnation().0, 2);
}

#[test]
fn i4_concurrent_producers_get_contiguous_positions_and_nothing_is_lost() {
    let world = World::small_segments();
    let log = Arc::new(world.open());
    let person = open_person(&log, "alice");
    let rooms: Vec<_> = (0..4).map(|i| open_stream(&log, &format!("room {i}"))).collect();
    let start = log.head().next();
    let threads: Vec<_> = rooms
        .into_iter()
        .map(|room| {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                let texts = (0..50).map(|i| format!("{room} says {i}"));
                texts
                    .map(|text| {
                        let entry = say(&log, room, person, text.as_bytes());
                        assert_eq!(entry.parts[1].clear().unwrap(), text.as_bytes());
                        entry.header.position
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let given: BTreeSet<_> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let expected: BTreeSet<_> = (start.0..start.0 + 200).map(LogPosition).collect();
    assert_eq!(given, expected);
    log.close();
    let report = event_log::verify(&world.segments(), None).unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!(report.head, Some(LogPosition(start.0 + 199)));
}

#[test]
fn i3_whoever_is_answered_finds_the_head_past_his_entry_and_heads_only_grow() {
    let world = World::small_segments();
    let log = Arc::new(world.open());
    let rooms: Vec<_> = (0..16).map(|i| open_stream(&log, &format!("room {i}"))).collect();
    let mut heads = log.subscribe();
    let start = *heads.borrow_and_update();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let watching = {
        let (log, done) = (Arc::clone(&log), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut last = start;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let head = log.head();
                assert!(head >= last, "{head:?} after {last:?}");
                assert!(log.read(head).unwrap().is_some(), "{head:?} is read");
                last = head;
            }
        })
    };
    let put = |room: StreamId| {
        let said = draft(room, vec![part(RecordClass::MessageContent, None, b"on and on")]);
        log.append(batch(vec![said])).unwrap()
    };
    // Two of each producer's batches are on their way at once, so that writes follow closely.
    std::thread::scope(|scope| {
        for room in &rooms {
            scope.spawn(|| {
                let mut before = put(*room);
                for _ in 0..40 {
                    let next = put(*room);
                    let (last, revision) = (before.last(), before.revision(0));
                    before.durable.wait().unwrap();
                    assert!(log.head() >= last, "answered before the head moved");
                    assert!(log.read(last).unwrap().is_some());
                    assert!(next.revision(0) > revision);
                    before = next;
                }
                before.durable.wait().unwrap();
            });
        }
    });
    done.store(true, std::sync::atomic::Ordering::Release);
    watching.join().unwrap();
    assert_eq!(log.head().0, start.0 + 16 * 41);
}

#[test]
fn readers_wait_for_the_head_and_see_nothing_beyond_it() {
    let world = World::new();
    let log = world.open();
    let mut heads = log.subscribe();
    assert_eq!(log.read(log.head().next()).unwrap(), None);
    assert!(log.read_range(log.head().next(), 10, 1_000).unwrap().is_empty());
    let room = open_stream(&log, "room");
    assert_eq!(heads.borrow_and_update().0, room.0);
    let range = log.read_range(LogPosition(0), 10, 1_000_000).unwrap();
    assert_eq!(range.len(), 2);
    let raw = log.read_raw_range(LogPosition(0), 10, 1_000_000).unwrap();
    assert_eq!(raw[1].digest, range[1].digest);
}
