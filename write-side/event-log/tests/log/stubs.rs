//! What a message without skeleton reads as: its stub, where a durable entry holds one.

use std::fs;

use event_log::{Log, PartContent, Scavenging, ShredRequest};
use facts::{
    EntryHeader, Fact, LogPosition, Routing, StreamId,
    fact::{KeyRange, MessagesStubbed, PduContent, PduStored, PduStub, ShredCause},
};

use crate::world::{World, batch, open_person, open_stream};

const MESSAGES: u64 = 40;

fn append(log: &Log, room: StreamId, person: StreamId, fact: &Fact) -> EntryHeader {
    let routing = Routing { person: Some(person.into()), ..Routing::server(room) };
    let appended = log.append(batch(vec![fact.draft(routing).unwrap()])).unwrap();
    let header = appended.headers[0].clone();
    appended.durable.wait().unwrap();
    header
}

fn message(number: u64) -> Fact {
    let content = PduContent { rest: b"{}".to_vec(), whole: false, txn: None };
    let stored = PduStored {
        event_id: format!("$event{number}"),
        is_state: false,
        redacted: br#"{"sender":"@canary:example.org"}"#.to_vec(),
        residue: None,
        placement: None,
        content: Some(content),
    };
    stored.into()
}

fn stub(number: u64, header: &EntryHeader) -> PduStub {
    PduStub {
        pdu: header.position,
        event_id: format!("$event{number}"),
        prev_events: vec![format!("$event{}", number.wrapping_sub(1))],
        depth: number,
        placement: None,
    }
}

/// Leaves of the tree of an entry's first part.
fn leaves(first: &EntryHeader, last: &EntryHeader) -> KeyRange {
    KeyRange {
        epoch_first: first.key_epoch,
        epoch_last: last.key_epoch,
        tree: first.parts[0].stream_tree.0,
        leaf_first: u32::try_from(first.revision.0).unwrap(),
        leaf_last: u32::try_from(last.revision.0).unwrap(),
    }
}

fn destroy(log: &Log, range: KeyRange) {
    let request = ShredRequest {
        ranges: vec![range],
        cause: ShredCause::Retention,
        expects: Vec::new(),
        scavenging: Scavenging::All,
    };
    log.order_shred(request, |_| Vec::new()).unwrap();
}

fn fact(log: &Log, at: LogPosition) -> Option<Fact> {
    let entry = log.read(at).unwrap().unwrap();
    let fact = entry.fact().unwrap();
    assert_eq!(entry.shared_fact().unwrap().as_deref(), fact.as_ref(), "one answer");
    fact
}

struct Room {
    headers: Vec<EntryHeader>,
    stubs: Vec<PduStub>,
    /// The entries that hold the stubs of every other message, and of the others but the last.
    holders: [EntryHeader; 2],
}

fn room(log: &Log) -> Room {
    let (room, person) = (open_stream(log, "room"), open_person(log, "alice"));
    let headers: Vec<_> =
        (0..MESSAGES).map(|number| append(log, room, person, &message(number))).collect();
    let stubs: Vec<_> = (0..).zip(&headers).map(|(number, header)| stub(number, header)).collect();
    let every_other = |first: usize, upto: usize| {
        let stubs = stubs[..upto].iter().skip(first).step_by(2).cloned().collect();
        append(log, room, person, &MessagesStubbed { stubs }.into())
    };
    let holders = [every_other(0, stubs.len()), every_other(1, stubs.len() - 1)];
    Room { headers, stubs, holders }
}

/// Every message, but for the last, reads as its stub, one by one and in a range.
fn assert_stubbed(log: &Log, room: &Room, when: &str) {
    for (header, stub) in room.headers.iter().zip(&room.stubs).rev().skip(1) {
        let expected = Some(Fact::PduStub(stub.clone()));
        assert_eq!(fact(log, header.position), expected, "{when}");
        assert!(log.is_stubbed(header.position).unwrap());
    }
    let first = room.headers[0].position;
    let range = log.read_range(first, room.headers.len(), usize::MAX).unwrap();
    for (entry, stub) in range.iter().zip(&room.stubs).take(room.stubs.len() - 1) {
        assert_eq!(entry.parts[0], PartContent::Destroyed, "{when}");
        assert_eq!(entry.fact().unwrap(), Some(Fact::PduStub(stub.clone())), "{when}");
    }
    let last = room.headers.last().unwrap().position;
    assert_eq!(fact(log, last), None, "{when}: nobody wrote a stub for it");
    assert!(!log.is_stubbed(last).unwrap());
}

#[test]
fn i7_a_message_without_skeleton_reads_as_its_stub_also_by_an_index_made_anew() {
    let world = World::small_segments();
    let log = world.open();
    let room = room(&log);
    for (number, header) in (0..).zip(&room.headers) {
        assert_eq!(fact(&log, header.position), Some(message(number)), "it can still be read");
    }
    destroy(&log, leaves(&room.headers[0], room.headers.last().unwrap()));
    assert_stubbed(&log, &room, "at once");
    log.close();
    drop(log);
    let log = world.open();
    assert_stubbed(&log, &room, "by the index that was kept");
    log.close();
    drop(log);
    fs::remove_dir_all(world.options().index_dir()).unwrap();
    let log = world.open();
    assert_stubbed(&log, &room, "by an index made anew");
}

#[test]
fn a_stub_whose_own_entry_is_destroyed_is_none() {
    let world = World::small_segments();
    let log = world.open();
    let room = room(&log);
    destroy(&log, leaves(&room.headers[0], room.headers.last().unwrap()));
    assert_stubbed(&log, &room, "before");
    let holder = &room.holders[0];
    destroy(&log, leaves(holder, holder));
    for (number, header) in room.headers.iter().enumerate().take(room.headers.len() - 1) {
        let stub = Fact::PduStub(room.stubs[number].clone());
        let expected = (number % 2 == 1).then_some(stub);
        assert_eq!(fact(&log, header.position), expected, "message {number}");
    }
}
