//! A view that lived through a destruction and one that was built after it answer alike.

use std::collections::BTreeSet;

use decide::pdu::stub_of;
use facts::{
    Fact, LogPosition, StreamId,
    fact::{MessagesStubbed, PduStub, ShredCause, ShredOrdered, ThreadScope},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use ruma::RoomId;
use serde_json::json;

use super::{
    convergence::{NAMES, begin, step},
    world::{World, all_rows},
};
use crate::{client_view::table::Table, query::Snapshot, store::Row};

/// Tables of what messages said: a view that is built later does not have their rows, and one that
/// has them tells nobody.
const OF_WHAT_WAS_SAID: [Table; 7] = [
    Table::Relation,
    Table::Thread,
    Table::ThreadOrder,
    Table::ThreadParticipant,
    Table::NotifyRoom,
    Table::NotifyUser,
    Table::MediaReference,
];

/// A stub for every message that may lose its skeleton, by room.
fn stubs(world: &World, snapshot: &Snapshot) -> Vec<(StreamId, Vec<PduStub>)> {
    let of_room = |room: &crate::source::memory::Room| {
        let id = RoomId::parse(&room.id).expect("a room id");
        let messages = (0..=world.source().head().0).map(LogPosition).filter_map(|at| {
            let entry = world.source().read(at).expect("reads").expect("an entry");
            let Some(Fact::PduStored(stored)) = entry.fact.as_deref() else { return None };
            let settled = snapshot.is_settled_message(at).expect("reads");
            let here = entry.header.stream == room.stream;
            stub_of(&id, at, stored).filter(|_| here && settled)
        });
        (room.stream, messages.collect())
    };
    world.rooms.iter().map(of_room).collect()
}

fn destroy(world: &World, room: StreamId, stubs: &[PduStub]) {
    world.own(room, MessagesStubbed { stubs: stubs.to_vec() });
    for stub in stubs {
        world.log.leave_stub(stub.clone());
    }
    let order = ShredOrdered { ranges: Vec::new(), cause: ShredCause::Retention };
    world.own(StreamId(0), order);
}

fn rows(snapshot: &Snapshot) -> Vec<Row> {
    let said =
        |row: &Row| OF_WHAT_WAS_SAID.iter().any(|table| row.0.first() == Some(&(*table).into()));
    all_rows(snapshot).into_iter().filter(|row| !said(row)).collect()
}

#[test]
fn i5_a_view_that_lived_on_and_one_built_later_answer_alike() {
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(500 + seed);
        let mut world = begin();
        let (mut sent, lived) = (Vec::new(), tempfile::tempdir().expect("a directory"));
        let mut destroyed = BTreeSet::new();
        for _ in 0..3 {
            for _ in 0..random.random_range(20..60) {
                step(&mut world, &mut random, &mut sent);
            }
            let fork = world.fork_point(0);
            let other = world.text(0, "ann", "one side");
            world.go_back(0, &fork);
            let other = world.event_id(other);
            world.branch(0, "ben", &[&other]);
            world.placed_later(1, "ann");
            world.text(1, "ann", "the next");
            let snapshot = world.project(lived.path());
            let of_rooms = stubs(&world, &snapshot);
            drop(snapshot);
            for (room, mut stubs) in of_rooms {
                stubs.retain(|_| random.random_range(0..4) > 0);
                destroyed.extend(stubs.iter().map(|stub| stub.pdu));
                destroy(&world, room, &stubs);
            }
        }
        for _ in 0..30 {
            step(&mut world, &mut random, &mut sent);
        }
        assert!(destroyed.len() > 20);
        let lived = world.project(lived.path());
        let built = tempfile::tempdir().expect("a directory");
        let built = world.project(built.path());
        assert_eq!(rows(&lived), rows(&built), "seed {seed}");
        for snapshot in [&lived, &built] {
            for at in &destroyed {
                assert!(snapshot.event_at(*at).expect("reads").is_none(), "it is shown to nobody");
                assert!(snapshot.event_row(*at).expect("reads").is_some_and(|row| row.accepted));
            }
        }
        for room in &world.rooms {
            for name in NAMES {
                let unread =
                    |of: &Snapshot| of.unread(world.users[name], room.stream).expect("reads");
                assert_eq!(unread(&lived), unread(&built), "seed {seed}, {name}");
            }
        }
    }
}

#[test]
fn what_is_destroyed_is_unread_by_nobody_and_the_rest_goes_on_counting() {
    let mut world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let room = world.room("alice");
    let stream = world.rooms[room].stream;
    world.member(room, "bob", "join");
    let first = world.text(room, "alice", "first");
    let thread_root = world.event_id(first);
    let content = json!({"msgtype": "m.text", "body": "reply",
        "m.relates_to": {"rel_type": "m.thread", "event_id": thread_root}});
    world.send(room, "alice", "m.room.message", None, content.clone());
    world.text(room, "alice", "tip");
    let dir = tempfile::tempdir().expect("a directory");
    let snapshot = world.project(dir.path());
    let unread =
        |of: &Snapshot, user| of.unread(user, stream).expect("reads").total().notifications;
    assert_eq!(unread(&snapshot, bob), 3);
    let of_room = stubs(&world, &snapshot).remove(room).1;
    drop(snapshot);
    assert_eq!(of_room.len(), 2, "the tip stays");
    destroy(&world, stream, &of_room);
    let built = tempfile::tempdir().expect("a directory");
    for view in [dir.path(), built.path()] {
        let snapshot = world.project(view);
        assert_eq!((unread(&snapshot, bob), unread(&snapshot, alice)), (1, 0));
    }
    // Receipts and threads that begin at what is destroyed go on.
    world.read(room, "bob", first, ThreadScope::Unthreaded);
    world.send(room, "alice", "m.room.message", None, content);
    for view in [dir.path(), built.path()] {
        let snapshot = world.project(view);
        assert_eq!(unread(&snapshot, bob), 2);
        let told = snapshot.unread(bob, stream).expect("reads").threads;
        assert_eq!((told.len(), &told[0].0), (1, &thread_root));
    }
}
