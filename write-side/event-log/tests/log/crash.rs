//! Torn writes, flipped bits, lost sidecars and indexes.

use std::fs;

use event_log::{DamageKind, OpenError, ReadFault, verify};
use facts::{LogPosition, RecordClass};
use tempfile::TempDir;

use crate::world::{
    World, batch, copy, draft, files, open_person, open_stream, overwrite, part, say, talk,
};

/// A log that crashed after a last write of two entries; its directory and the last write's start.
fn crashed(world: &World) -> (TempDir, LogPosition, usize) {
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    say(&log, room, person, b"whole");
    let head = log.head();
    let segment = files(&world.segments(), "seg").pop().unwrap();
    let start = usize::try_from(fs::metadata(&segment).unwrap().len()).unwrap();
    let text = || vec![part(RecordClass::MessageSkeleton, None, b"last")];
    let last = log.append(batch(vec![draft(room, text()), draft(room, text())])).unwrap();
    last.durable.wait().unwrap();
    let dir = tempfile::tempdir().unwrap();
    copy(world.dir.path(), dir.path());
    (dir, head, start)
}

#[test]
fn a_last_write_torn_at_any_byte_is_cut_whole_and_all_before_it_stays() {
    let world = World::new();
    let (dir, head, start) = crashed(&world);
    let segments = world.options_in(dir.path()).segments_dir();
    let segment = files(&segments, "seg").pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    for end in start..=bytes.len() {
        fs::write(&segment, &bytes[..end]).unwrap();
        let report = verify(&segments, None).unwrap();
        assert!(report.ok, "cut at {end}: {report:?}");
        let whole = end == bytes.len();
        let torn = if whole { 0 } else { end - start };
        assert_eq!(report.torn_tail_bytes, torn as u64, "cut at {end}");
        // Opening is slow beside verifying; every eighth cut and both ends are enough for it.
        if end % 8 != 0 && end != start && !whole {
            continue;
        }
        let log = world.try_open_in(dir.path()).unwrap();
        let expected = if whole { LogPosition(head.0 + 2) } else { head };
        assert_eq!(log.head(), expected, "cut at {end}");
        assert_eq!(log.torn_bytes_at_start(), torn as u64);
        let read = log.read_range(LogPosition(0), 100, 1_000_000).unwrap();
        assert_eq!(read.len() as u64, expected.0 + 1);
        drop(log);
        // The clean end put a closing write there: a second recovery finds the same head.
        assert_eq!(world.try_open_in(dir.path()).unwrap().head(), expected);
    }
}

#[test]
fn every_flipped_byte_before_the_last_write_is_named() {
    let world = World::new();
    let (dir, _, start) = crashed(&world);
    let segments = world.options_in(dir.path()).segments_dir();
    let segment = files(&segments, "seg").pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0x10;
        fs::write(&segment, &damaged).unwrap();
        let report = verify(&segments, None).unwrap();
        if index >= start {
            assert!(report.ok && report.torn_tail_bytes > 0, "byte {index}: {report:?}");
            continue;
        }
        let fault = report.fault.unwrap_or_else(|| panic!("byte {index} went unnoticed"));
        assert!(fault.offset <= index as u64, "byte {index}: {fault:?}");
        if index % 16 == 0 {
            let refused = world.try_open_in(dir.path());
            assert!(
                matches!(refused, Err(OpenError::Recovery(ReadFault::Damage(_)))),
                "byte {index}"
            );
        }
    }
}

#[test]
fn a_length_past_the_end_while_writes_follow_is_damage_and_not_a_torn_tail() {
    let world = World::new();
    let (dir, _, start) = crashed(&world);
    let segments = world.options_in(dir.path()).segments_dir();
    let segment = files(&segments, "seg").pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // The first write's header, with a larger length and a CRC that holds.
    bytes[52..56].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[..88]);
    bytes[88..92].copy_from_slice(&crc.to_be_bytes());
    assert!(start > 92);
    fs::write(&segment, &bytes).unwrap();
    let fault = verify(&segments, None).unwrap().fault.unwrap();
    assert_eq!(fault.kind, DamageKind::WriteBody);
    assert_eq!((fault.offset, fault.position), (0, LogPosition(0)));
}

#[test]
fn flips_in_closed_segments_are_found_by_verify_and_by_the_scrub() {
    let world = World::small_segments();
    let log = world.open();
    talk(&log, 40);
    let closed = files(&world.segments(), "seg");
    assert!(closed.len() > 3, "segments roll");
    log.scrub(|| true).unwrap();
    let bytes = fs::read(&closed[1]).unwrap();
    for index in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[index] ^= 1;
        overwrite(&closed[1], &damaged);
        let fault = verify(&world.segments(), None).unwrap().fault;
        let fault = fault.unwrap_or_else(|| panic!("byte {index} went unnoticed"));
        assert_eq!(closed[1].file_name().unwrap().to_str().unwrap(), fault.segment);
    }
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    overwrite(&closed[1], &damaged);
    assert!(matches!(log.scrub(|| true), Err(ReadFault::Damage(_))));
    assert_eq!(log.stopped(), Some(event_log::StopReason::Damage));
    assert!(log.read(LogPosition(0)).unwrap().is_some(), "reads go on");
    overwrite(&closed[1], &bytes);
    fs::remove_file(&closed[2]).unwrap();
    let fault = verify(&world.segments(), None).unwrap().fault.unwrap();
    assert_eq!(fault.kind, DamageKind::Segment);
}

#[test]
fn sidecars_and_index_are_rebuilt_to_the_same() {
    let world = World::small_segments();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    let entries: Vec<_> = (0..40_u32).map(|i| say(&log, room, person, &i.to_be_bytes())).collect();
    drop(log);
    for sidecar in files(&world.segments(), "idx") {
        fs::remove_file(sidecar).unwrap();
    }
    fs::remove_dir_all(world.options().index_dir()).unwrap();
    let log = world.open();
    for entry in &entries {
        assert_eq!(log.read(entry.header.position).unwrap().as_ref(), Some(entry));
    }
    let next = say(&log, room, person, b"next");
    let last = &entries.last().unwrap().header;
    assert_eq!(next.header.revision, last.revision.next());
    assert_eq!(next.header.parts[0].stream_tree, last.parts[0].stream_tree);
    assert_eq!(next.header.parts[1].person_tree, last.parts[1].person_tree);
}

#[test]
fn an_index_of_a_longer_branch_is_dropped() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    say(&log, room, person, b"kept");
    log.close();
    let older = tempfile::tempdir().unwrap();
    copy(world.dir.path(), older.path());
    drop(log);
    let log = world.open();
    let lost = say(&log, room, person, b"lost");
    drop(log);
    // The segments of the copy under the index of the longer branch.
    let options = world.options_in(older.path());
    fs::remove_dir_all(options.index_dir()).unwrap();
    copy(&world.options().index_dir(), &options.index_dir());
    let log = world.try_open_in(older.path()).unwrap();
    let again = say(&log, room, person, b"again");
    assert_eq!(again.header.revision, lost.header.revision);
    assert_eq!(again.header.position, lost.header.position);
}

#[test]
fn a_segment_that_was_being_closed_goes_on() {
    let world = World::small_segments();
    let log = world.open();
    let (room, person) = talk(&log, 20);
    drop(log);
    // As if the process had died while it closed the last but one segment.
    let segments = files(&world.segments(), "seg");
    let [.., closing, active] = segments.as_slice() else {
        panic!("too few segments: {segments:?}");
    };
    fs::remove_file(active).unwrap();
    let next: u64 = active.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let bytes = fs::read(closing).unwrap();
    for footer_bytes in [98, 97, 50, 8, 1, 0] {
        overwrite(closing, &bytes[..bytes.len() - 98 + footer_bytes]);
        let dir = tempfile::tempdir().unwrap();
        copy(world.dir.path(), dir.path());
        let log = world.try_open_in(dir.path()).unwrap();
        assert_eq!(log.head(), LogPosition(next - 1), "{footer_bytes} bytes of a footer");
        let entry = say(&log, room, person, b"on");
        assert_eq!(entry.header.position, LogPosition(next));
        drop(log);
        let report = verify(&world.options_in(dir.path()).segments_dir(), None).unwrap();
        assert!(report.ok, "{report:?}");
    }
}
