//! A disk that fails: the writer stops for good, reads go on, a restart resumes.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use event_log::{AppendFault, AppendRefusal, Disk, Log, OsDisk, SegmentFile, StopReason};
use facts::RecordClass;

use crate::world::{World, batch, draft, open_person, open_stream, part, say};

#[derive(Clone, Default)]
struct Faults {
    full: Arc<AtomicBool>,
    sync_fails: Arc<AtomicBool>,
}

struct FaultyDisk(Faults);
struct FaultyFile(Box<dyn SegmentFile>, Faults);

impl Disk for FaultyDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(FaultyFile(OsDisk.open(path)?, self.0.clone())))
    }
}

impl SegmentFile for FaultyFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.1.full.load(Ordering::SeqCst) {
            // A full disk takes what fits.
            self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        if self.1.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected"));
        }
        self.0.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

fn run(fault: impl Fn(&Faults) -> &AtomicBool, survives: bool) {
    let world = World::new();
    let faults = Faults::default();
    let disk = Arc::new(FaultyDisk(faults.clone()));
    let clock = Arc::new(world.clock.clone());
    let log = Log::open_on(world.options(), clock, world.random(), disk).unwrap();
    let room = open_stream(&log, "room");
    let person = open_person(&log, "alice");
    let before = say(&log, room, person, b"before");
    fault(&faults).store(true, Ordering::SeqCst);
    let skeleton = || vec![part(RecordClass::MessageSkeleton, None, b"lost")];
    let failed = log.append(batch(vec![draft(room, skeleton())])).unwrap();
    let lost = failed.first;
    assert_eq!(failed.durable.wait(), Err(AppendFault::Unknown));
    fault(&faults).store(false, Ordering::SeqCst);
    // The cause is gone, and still nothing is written until a restart.
    let refused = log.append(batch(vec![draft(room, skeleton())]));
    assert!(matches!(refused, Err(AppendRefusal::Stopped(StopReason::Disk))));
    assert_eq!(log.head(), before.header.position);
    assert_eq!(log.read(lost).unwrap(), None);
    assert_eq!(log.read(before.header.position).unwrap().unwrap(), before);
    drop(log);
    let log = world.open();
    let head = if survives { lost } else { before.header.position };
    assert_eq!(log.head(), head);
    let after = say(&log, room, person, b"after");
    assert_eq!(after.header.position, head.next());
    drop(log);
    assert!(event_log::verify(&world.segments(), None).unwrap().ok);
}

#[test]
fn a_full_disk_stops_the_writer_and_half_a_write_is_cut_by_the_restart() {
    run(|faults| &faults.full, false);
}

#[test]
fn a_failed_sync_stops_the_writer_though_the_bytes_may_be_there() {
    run(|faults| &faults.sync_fails, true);
}
