//! A log over a sequencer elsewhere: faults inside a running log, and the mirror.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use event_log::{
    APPEND_TRIES_MAX, AppendFault, AppendOutcome, AppendRefusal, FollowFault, InjectedFault, Log,
    MemorySequencer, MirrorFault, OpenError, OsDisk, Scavenging, SealedWrite, Sequencer,
    SequencerHead, ShredRequest, StopReason, verify,
};
use facts::{
    KeyEpoch, LogPosition, RecordClass, StreamId,
    fact::{KeyRange, ShredCause},
};

use crate::world::{World, batch, copy, draft, open_person, open_stream, part, say};

fn try_open(world: &World, sequencer: impl Sequencer + 'static) -> Result<Log, OpenError> {
    let clock = Arc::new(world.clock.clone());
    let disk = Arc::new(OsDisk);
    Log::open_over(world.options(), clock, world.random(), disk, Some(Box::new(sequencer)))
}

fn append(log: &Log, room: StreamId) -> (LogPosition, Result<(), AppendFault>) {
    let text = vec![part(RecordClass::MessageSkeleton, None, b"text")];
    let appended = log.append(batch(vec![draft(room, text)])).unwrap();
    (appended.first, appended.durable.wait())
}

/// Every write of the sequencer is in the mirror, once and byte for byte.
fn assert_mirrored(world: &World, sequencer: &MemorySequencer) {
    let mut bytes = Vec::new();
    for segment in crate::world::files(&world.segments(), "seg") {
        bytes.extend(std::fs::read(segment).unwrap());
    }
    let writes = sequencer.follow(LogPosition(0), 10_000).unwrap().concat();
    assert_eq!(bytes, writes);
}

#[test]
fn an_unknown_outcome_is_tried_again_with_the_same_bytes_and_stored_once() {
    for fault in [InjectedFault::Lost, InjectedFault::FailedButPersisted] {
        let world = World::new();
        let sequencer = MemorySequencer::default();
        let log = try_open(&world, sequencer.clone()).unwrap();
        let room = open_stream(&log, "room");
        let head = log.head();
        for _ in 1..APPEND_TRIES_MAX {
            sequencer.fail_next(fault);
        }
        let (position, answer) = append(&log, room);
        assert_eq!((position, answer), (head.next(), Ok(())), "{fault:?}");
        assert_eq!(log.head(), position);
        assert_eq!(sequencer.head().next, position.next(), "{fault:?}: stored once");
        assert_eq!(append(&log, room), (position.next(), Ok(())));
        drop(log);
        assert_mirrored(&world, &sequencer);
        assert!(verify(&world.segments(), None).unwrap().ok);
    }
}

#[test]
fn what_stays_unknown_is_never_acknowledged_and_the_next_start_tells() {
    for (fault, persisted) in
        [(InjectedFault::Lost, false), (InjectedFault::FailedButPersisted, true)]
    {
        let world = World::new();
        let sequencer = MemorySequencer::default();
        let log = try_open(&world, sequencer.clone()).unwrap();
        let room = open_stream(&log, "room");
        let head = log.head();
        // The first try decides whether it is stored; the others are lost.
        sequencer.fail_next(fault);
        for _ in 1..APPEND_TRIES_MAX {
            sequencer.fail_next(InjectedFault::Lost);
        }
        let (position, answer) = append(&log, room);
        assert_eq!(answer, Err(AppendFault::Unknown));
        assert_eq!(log.head(), head, "nobody sees it");
        assert_eq!(log.read(position).unwrap(), None);
        let again = log.append(batch(vec![draft(room, Vec::new())]));
        assert!(matches!(again, Err(AppendRefusal::Stopped(StopReason::Disk))));
        drop(log);
        let log = try_open(&world, sequencer.clone()).unwrap();
        assert_eq!(log.head(), if persisted { position } else { head });
        assert_eq!(append(&log, room).1, Ok(()));
        drop(log);
        assert_mirrored(&world, &sequencer);
    }
}

#[test]
fn a_known_failure_is_called_so() {
    let world = World::new();
    let sequencer = MemorySequencer::default();
    let log = try_open(&world, sequencer.clone()).unwrap();
    let room = open_stream(&log, "room");
    sequencer.fail_next(InjectedFault::Failed);
    assert_eq!(append(&log, room).1, Err(AppendFault::Failed));
    assert_eq!(log.stopped(), Some(StopReason::Disk));
}

#[test]
fn a_writer_that_is_not_at_the_head_is_fenced() {
    let (world, rival) = (World::new(), World::new());
    let sequencer = MemorySequencer::default();
    let log = try_open(&world, sequencer.clone()).unwrap();
    let room = open_stream(&log, "room");
    // Another node, with a copy of the keyring, takes the log over.
    copy(&world.options().keys_dir, &rival.options().keys_dir);
    let other = try_open(&rival, sequencer.clone()).unwrap();
    assert_eq!(other.head(), log.head(), "the mirror was filled");
    assert_eq!(append(&other, room).1, Ok(()));
    assert_eq!(append(&log, room).1, Err(AppendFault::Failed));
    assert_eq!(log.stopped(), Some(StopReason::Fenced));
    let head = other.head();
    drop((log, other));
    let log = try_open(&world, sequencer.clone()).unwrap();
    assert_eq!(log.head(), head, "the old writer's mirror follows the new one");
    drop(log);
    assert_mirrored(&world, &sequencer);
}

#[test]
fn a_mirror_that_disagrees_or_runs_ahead_stops_and_says_so() {
    let world = World::new();
    let sequencer = MemorySequencer::default();
    let log = try_open(&world, sequencer.clone()).unwrap();
    open_stream(&log, "room");
    drop(log);
    let refused = try_open(&world, MemorySequencer::default());
    assert!(matches!(refused, Err(OpenError::Mirror(MirrorFault::Ahead(_)))));

    let other = World::new();
    let another = MemorySequencer::default();
    for name in ["one", "two", "three"] {
        let log = try_open(&other, another.clone()).unwrap();
        open_stream(&log, name);
    }
    assert!(matches!(try_open(&world, another), Err(OpenError::Mirror(_))));
    assert!(try_open(&world, sequencer).is_ok());
}

/// Lets a write pass when it is told to.
struct Gate {
    inner: MemorySequencer,
    arrived: mpsc::Sender<()>,
    pass: mpsc::Receiver<()>,
}

impl Sequencer for Gate {
    fn head(&self) -> SequencerHead {
        self.inner.head()
    }

    fn append(&mut self, expected_head: LogPosition, write: &SealedWrite) -> AppendOutcome {
        // A test that is over lets everything pass.
        let _ = self.arrived.send(());
        let _ = self.pass.recv();
        self.inner.append(expected_head, write)
    }

    fn follow(&self, from: LogPosition, max_writes: usize) -> Result<Vec<Vec<u8>>, FollowFault> {
        self.inner.follow(from, max_writes)
    }
}

#[test]
fn nothing_is_sealed_under_a_range_whose_order_is_on_its_way() {
    let world = World::new();
    let (arrived, arrivals) = mpsc::channel();
    let (passes, pass) = mpsc::channel();
    for _ in 0..4 {
        passes.send(()).unwrap();
    }
    let gate = Gate { inner: MemorySequencer::default(), arrived, pass };
    let log = Arc::new(try_open(&world, gate).unwrap());
    let room = open_stream(&log, "room");
    let alice = open_person(&log, "alice");
    let said = say(&log, room, alice, b"today");
    for _ in 0..4 {
        arrivals.recv().unwrap();
    }
    let day = said.header.recorded_at.day();
    let today = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree: said.header.parts[1].person_tree.0,
        leaf_first: day,
        leaf_last: day,
    };
    let request = ShredRequest {
        ranges: vec![today],
        cause: ShredCause::Erasure,
        expects: Vec::new(),
        scavenging: Scavenging::Closed,
    };
    let ordering = {
        let log = Arc::clone(&log);
        thread::spawn(move || log.order_shred(request, |_| Vec::new()).unwrap())
    };
    // The order has its position and is not durable.
    arrivals.recv().unwrap();
    let content = || part(RecordClass::MessageContent, Some(alice.into()), b"later today");
    let refused = log.append(batch(vec![draft(room, vec![content()])]));
    assert!(matches!(refused, Err(AppendRefusal::NoPersonTree(person)) if person == alice));
    let own = log.append(batch(vec![draft(alice, vec![content()])])).unwrap();
    assert_ne!(own.headers[0].parts[0].person_tree.0, today.tree);
    drop(passes);
    let receipt = ordering.join().unwrap();
    let (position, answer) = (own.first, own.durable.wait());
    assert_eq!((answer, position > receipt.order), (Ok(()), true));
    let read = log.read(position).unwrap().unwrap();
    assert_eq!(read.parts[0].clear(), Some(b"later today".as_slice()), "it is not destroyed");
    let gone = log.read(said.header.position).unwrap().unwrap();
    assert_eq!(gone.parts[1].clear(), None);
}
