//! Disks that forget, formats to come, and keyrings of another time.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use event_log::{
    DamageKind, Disk, Keyring, KeyringError, Log, OpenError, OsDisk, ReadFault, ScrubPace,
    SegmentFile, StopReason, verify,
};
use facts::{KeyEpoch, LogPosition};

use crate::world::{DAY_MS, World, copy, files, open_person, open_stream, overwrite, say, talk};

const FOOTER: usize = 98;

/// A log of several segments that was closed, and its head.
fn written(world: &World) -> LogPosition {
    let log = world.open();
    talk(&log, 40);
    log.head()
}

#[test]
fn without_keys_every_flipped_bit_of_a_closed_segment_is_named() {
    let world = World::small_segments();
    let head = written(&world);
    let closed = files(&world.segments(), "seg").swap_remove(1);
    let name = closed.file_name().unwrap().to_str().unwrap().to_owned();
    let bytes = fs::read(&closed).unwrap();
    let first = LogPosition(name[..20].parse().unwrap());
    for bit in 0..bytes.len() * 8 {
        // Every byte, and every bit of it in turn.
        if bit % 8 != (bit / 8) % 8 {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        overwrite(&closed, &damaged);
        let report = verify(&world.segments(), None).unwrap();
        let fault = report.fault.unwrap_or_else(|| panic!("bit {bit} went unnoticed"));
        assert_eq!(fault.segment, name, "bit {bit}");
        assert!(fault.offset <= (bit / 8) as u64, "bit {bit}: {fault:?}");
        assert!(first <= fault.position && fault.position <= head, "bit {bit}: {fault:?}");
        if bit / 8 >= bytes.len() - FOOTER {
            assert_eq!(fault.offset, (bytes.len() - FOOTER) as u64, "bit {bit}");
        }
    }
}

#[test]
fn a_sidecar_with_any_flipped_bit_is_ignored_and_made_again() {
    let world = World::small_segments();
    written(&world);
    let sidecar = files(&world.segments(), "idx").swap_remove(1);
    let name = sidecar.file_stem().unwrap().to_str().unwrap().to_owned();
    let first = LogPosition(name.parse().unwrap());
    let bytes = fs::read(&sidecar).unwrap();
    for index in (0..bytes.len()).step_by(bytes.len() / 12) {
        let mut damaged = bytes.clone();
        damaged[index] ^= 4;
        fs::write(&sidecar, &damaged).unwrap();
        assert!(verify(&world.segments(), None).unwrap().ok);
        let log = world.open();
        let entry = log.read(first).unwrap().unwrap();
        assert_eq!(entry.header.position, first);
        assert_eq!(fs::read(&sidecar).unwrap(), bytes, "byte {index}");
    }
}

/// Sets a byte of the write or footer at `at` and makes the CRC of the covered bytes hold.
fn restate(bytes: &mut [u8], at: usize, covered: usize, index: usize, value: u8) {
    bytes[at + index] = value;
    let crc = crc32c::crc32c(&bytes[at..at + covered]);
    bytes[at + covered..at + covered + 4].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn a_last_write_or_footer_of_a_later_format_is_never_cut_as_torn() {
    let world = World::small_segments();
    written(&world);
    let segments = files(&world.segments(), "seg");
    let [.., closed, active] = segments.as_slice() else {
        panic!("too few segments");
    };
    let refused = |what: &str| {
        let fault = verify(&world.segments(), None).unwrap().fault.unwrap();
        assert_eq!(fault.kind, DamageKind::UnknownFormat, "{what}");
        let opened = world.try_open_in(world.dir.path());
        assert!(matches!(opened, Err(OpenError::Recovery(ReadFault::Damage(_)))), "{what}");
    };
    let whole = fs::read(active).unwrap();
    let closing = whole.len() - 96;
    let mut later = whole.clone();
    restate(&mut later, closing, 88, 9, 2);
    fs::write(active, &later).unwrap();
    refused("a last write");
    assert_eq!(fs::read(active).unwrap(), later, "nothing was cut");
    let mut later = whole.clone();
    restate(&mut later, closing, 88, 10, 0x80);
    fs::write(active, &later).unwrap();
    refused("an unknown flag");
    fs::remove_file(active).unwrap();
    let mut later = fs::read(closed).unwrap();
    let footer = later.len() - FOOTER;
    restate(&mut later, footer, 94, 9, 2);
    overwrite(closed, &later);
    refused("a footer");
}

/// Remembers what was written where, in order, and when it was synced.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

/// Offset and bytes of a write; `None` for a sync.
type Recorded = Option<(u64, Vec<u8>)>;

struct RecordedFile(Box<dyn SegmentFile>, Recorder);

impl Disk for Recorder {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(RecordedFile(OsDisk.open(path)?, self.clone())))
    }
}

impl SegmentFile for RecordedFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.1.0.lock().unwrap().push(Some((offset, bytes.to_vec())));
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.1.0.lock().unwrap().push(None);
        self.0.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

#[test]
fn last_write_and_footer_are_made_durable_again_before_anybody_reads() {
    let world = World::small_segments();
    written(&world);
    let segments = files(&world.segments(), "seg");
    let [.., closed, active] = segments.as_slice() else {
        panic!("too few segments");
    };
    fs::remove_file(active).unwrap();
    let bytes = fs::read(closed).unwrap();
    // As after a sync of the footer that failed: it is there, but not read-only yet.
    overwrite(closed, &bytes);
    for footer_bytes in [FOOTER, 0] {
        let kept = bytes.len() - FOOTER + footer_bytes;
        overwrite(closed, &bytes[..kept]);
        let recorder = Recorder::default();
        let clock = Arc::new(world.clock.clone());
        let dir = tempfile::tempdir().unwrap();
        copy(world.dir.path(), dir.path());
        let options = world.options_in(dir.path());
        let log = Log::open_on(options, clock, world.random(), Arc::new(recorder.clone())).unwrap();
        let steps = recorder.0.lock().unwrap().clone();
        let [Some((offset, again)), None, ..] = steps.as_slice() else {
            panic!("{footer_bytes}: not written and synced first");
        };
        let start = usize::try_from(*offset).unwrap();
        assert_eq!(bytes[start..kept], *again, "the same bytes, up to the end");
        assert!(again.starts_with(b"CHWRITE\0"), "from the start of the last write");
        drop(log);
    }
}

#[test]
fn the_scrub_goes_round_at_its_pace_until_told_or_until_it_finds_damage() {
    let world = World::small_segments();
    let log = world.open();
    talk(&log, 40);
    let closed = files(&world.segments(), "idx").len();
    let pace = ScrubPace { bytes_per_second: 1_000, between_rounds: Duration::from_secs(77) };
    let mut rests = Vec::new();
    log.scrub_in_rounds(pace, |rest| {
        rests.push(rest);
        rests.len() < 2 * (closed + 1)
    })
    .unwrap();
    let rounds = rests.iter().filter(|rest| **rest == pace.between_rounds).count();
    assert_eq!(rounds, 2);
    let sizes = files(&world.segments(), "seg");
    let first = fs::metadata(&sizes[0]).unwrap().len();
    assert_eq!(rests[0], Duration::from_millis(first));

    let mut damaged = fs::read(&sizes[1]).unwrap();
    damaged[300] ^= 1;
    overwrite(&sizes[1], &damaged);
    let found = log.scrub_in_rounds(pace, |_| true);
    assert!(matches!(found, Err(ReadFault::Damage(_))));
    assert_eq!(log.stopped(), Some(StopReason::Damage));
}

#[test]
fn a_keyring_opened_for_reading_changes_nothing_and_refuses_to_change() {
    let world = World::small_segments();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    say(&log, room, person, b"hello");
    let dir = world.options().keys_dir;
    // What a rewrite that is going on would have there at this moment.
    fs::write(dir.join("wrap-99"), b"not yet whole").unwrap();
    fs::write(dir.join("keyring.new"), b"half").unwrap();
    let listing = || {
        let names = fs::read_dir(&dir).unwrap().map(|file| {
            let file = file.unwrap();
            (file.file_name(), fs::read(file.path()).unwrap())
        });
        names.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = listing();
    let keys = Keyring::open_read_only(&dir, log.log_id(), world.random()).unwrap();
    let report = verify(&world.segments(), Some(&keys)).unwrap();
    assert!(report.ok, "{report:?}");
    let opened = keys.open_epoch(facts::Timestamp(0));
    assert!(matches!(opened, Err(KeyringError::ReadOnly)));
    let destroyed = keys.destroy(&[], LogPosition(1));
    assert!(matches!(destroyed, Err(KeyringError::ReadOnly)));
    assert_eq!(listing(), before);
}

#[test]
fn a_keyring_that_lacks_an_epoch_of_the_log_is_refused() {
    let world = World::new();
    let log = world.open();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    let older = tempfile::tempdir().unwrap();
    copy(&world.options().keys_dir, older.path());
    world.clock.set(20_100 * DAY_MS);
    say(&log, room, person, b"the writer opens an epoch");
    let said = say(&log, room, person, b"under it");
    drop(log);
    let kept = tempfile::tempdir().unwrap();
    copy(&world.options().keys_dir, kept.path());
    fs::remove_dir_all(world.options().keys_dir).unwrap();
    copy(older.path(), &world.options().keys_dir);
    let refused = world.try_open_in(world.dir.path());
    assert!(matches!(
        refused,
        Err(OpenError::KeyringTooOld { needed: KeyEpoch(2), newest: KeyEpoch(1) })
    ));
    fs::remove_dir_all(world.options().keys_dir).unwrap();
    copy(kept.path(), &world.options().keys_dir);
    assert_eq!(world.open().read(said.header.position).unwrap(), Some(said));
}
