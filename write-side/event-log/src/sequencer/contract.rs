//! The contract of sequencers: one suite for all, each call failing both ways.
//!
//! Owns the suite and the two harnesses. After any failure a client connects anew (for the
//! embedded one: recovers) and hands over the same bytes again.

use std::{io, path::Path, sync::Arc};

use facts::{
    EntryHeader, Incarnation, KeyEpoch, LogId, LogPosition, Revision, StreamId, Timestamp,
};
use parking_lot::Mutex;

use super::{
    AppendOutcome, SealedWrite, Sequencer, SequencerHead,
    embedded::EmbeddedSequencer,
    memory::{InjectedFault, MemorySequencer},
};
use crate::{
    Digest, Disk, OsDisk, SegmentFile,
    frame::Frame,
    recovery::recover,
    segment::shelf::Shelf,
    write::{WRITE_HEADER_BYTES, WriteHeader, assemble},
};

/// A sequencer that can be made to fail and connected to anew.
trait Harness {
    fn connect(&mut self) -> Box<dyn Sequencer>;
    fn fail_next_append(&self, fault: InjectedFault);
    fn fail_next_read(&self);
    fn heal_reads(&self);
}

fn write(at: SequencerHead, count: u64, mark: u16) -> SealedWrite {
    let mut frames = Vec::new();
    let mut digests: Vec<Digest> = Vec::new();
    let mut entries = Vec::new();
    for k in 0..count {
        let position = LogPosition(at.next.0 + k);
        let header = EntryHeader {
            position,
            stream: StreamId(0),
            revision: Revision(position.0),
            incarnation: Incarnation(1),
            fact_type: mark,
            fact_version: 1,
            recorded_at: Timestamp(5),
            key_epoch: KeyEpoch(1),
            batch: at.next,
            actor: StreamId(0),
            cause: LogPosition(0),
            parts: Vec::new(),
        };
        let frame = Frame { header: header.clone(), parts: Vec::new() };
        let offset = u32::try_from(WRITE_HEADER_BYTES + frames.len()).unwrap();
        frame.encode_into(&mut frames);
        digests.push(frame.digest());
        entries.push((offset, header));
    }
    let header = WriteHeader {
        flags: 0,
        log_id: LogId([4; 16]),
        incarnation: Incarnation(1),
        sequence: at.sequence,
        first: at.next,
        count: u32::try_from(count).unwrap(),
        length: u32::try_from(frames.len()).unwrap(),
        previous: at.last_write,
    };
    SealedWrite {
        bytes: assemble(&header, std::iter::once(frames.as_slice())),
        digest: header.digest(digests.iter()),
        header,
        entries,
    }
}

fn stored(sequencer: &dyn Sequencer) -> Vec<Vec<u8>> {
    sequencer.follow(LogPosition(0), 100).unwrap()
}

/// The whole contract.
fn check(harness: &mut dyn Harness) {
    let first = check_order(&mut *harness.connect());
    let expected = check_faults(harness, first);
    check_reads(harness, &expected);
}

/// Positions, the same write twice, writers that are not at the head.
fn check_order(sequencer: &mut dyn Sequencer) -> Vec<u8> {
    assert_eq!(sequencer.head().next, LogPosition(0));
    let first = write(sequencer.head(), 2, 1);
    assert_eq!(sequencer.append(first.first(), &first), AppendOutcome::Ok);
    assert_eq!(sequencer.head().next, LogPosition(2));
    assert_eq!(
        sequencer.append(first.first(), &first),
        AppendOutcome::Ok,
        "the same write again is the same write"
    );
    assert_eq!(stored(sequencer), std::slice::from_ref(&first.bytes));

    let rival =
        write(SequencerHead { next: LogPosition(0), sequence: 0, last_write: [0; 32] }, 2, 9);
    assert_eq!(sequencer.append(rival.first(), &rival), AppendOutcome::Fenced);
    let ahead = write(SequencerHead { next: LogPosition(7), ..sequencer.head() }, 1, 9);
    assert_eq!(sequencer.append(ahead.first(), &ahead), AppendOutcome::Fenced);
    first.bytes
}

/// Every way to fail, and the same bytes again.
fn check_faults(harness: &mut dyn Harness, first: Vec<u8>) -> Vec<Vec<u8>> {
    let mut sequencer = harness.connect();
    let mut expected = vec![first];
    for (mark, fault) in [
        (2, InjectedFault::Failed),
        (3, InjectedFault::Lost),
        (4, InjectedFault::FailedButPersisted),
    ] {
        let at = sequencer.head();
        let next = write(at, 1, mark);
        harness.fail_next_append(fault);
        let outcome = sequencer.append(next.first(), &next);
        assert!(
            matches!(outcome, AppendOutcome::Failed | AppendOutcome::Unknown),
            "{fault:?} was answered {outcome:?}"
        );
        if fault == InjectedFault::FailedButPersisted {
            assert_eq!(outcome, AppendOutcome::Unknown, "it is stored, so it did not fail");
        }
        drop(sequencer);
        sequencer = harness.connect();
        let persisted = sequencer.head() != at;
        assert_eq!(persisted, fault == InjectedFault::FailedButPersisted, "{fault:?}");
        assert_eq!(sequencer.append(next.first(), &next), AppendOutcome::Ok, "{fault:?}");
        expected.push(next.bytes);
        assert_eq!(stored(&*sequencer), expected, "exactly once after {fault:?}");
    }
    expected
}

/// Reading back, from the middle of a write too.
fn check_reads(harness: &mut dyn Harness, expected: &[Vec<u8>]) {
    let sequencer = harness.connect();
    harness.fail_next_read();
    assert!(sequencer.follow(LogPosition(0), 1).is_err());
    harness.heal_reads();
    assert_eq!(sequencer.follow(LogPosition(2), 1).unwrap(), [expected[1].clone()]);
    assert_eq!(sequencer.follow(LogPosition(1), 2).unwrap(), expected[..2]);
}

struct InMemory(MemorySequencer);

impl Harness for InMemory {
    fn connect(&mut self) -> Box<dyn Sequencer> {
        Box::new(self.0.clone())
    }

    fn fail_next_append(&self, fault: InjectedFault) {
        self.0.fail_next(fault);
    }

    fn fail_next_read(&self) {
        self.0.fail_reads(1);
    }

    fn heal_reads(&self) {
        self.0.fail_reads(0);
    }
}

struct Local {
    dir: tempfile::TempDir,
    fault: Arc<Mutex<Option<InjectedFault>>>,
    segment_bytes: u64,
}

struct LocalDisk(Arc<Mutex<Option<InjectedFault>>>);

struct LocalFile {
    file: Box<dyn SegmentFile>,
    fault: Arc<Mutex<Option<InjectedFault>>>,
    /// Faults are for writes; closing a full segment before one is not an append.
    in_footer: bool,
}

impl Disk for LocalDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(LocalFile {
            file: OsDisk.open(path)?,
            fault: Arc::clone(&self.0),
            in_footer: false,
        }))
    }
}

impl SegmentFile for LocalFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.in_footer = bytes.starts_with(b"CHFOOT");
        let mut fault = self.fault.lock();
        match *fault {
            _ if self.in_footer => self.file.write_all_at(bytes, offset),
            Some(InjectedFault::Failed) => {
                *fault = None;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(InjectedFault::Lost) => {
                *fault = None;
                self.file.write_all_at(&bytes[..bytes.len() - 1], offset)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => self.file.write_all_at(bytes, offset),
        }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        if self.in_footer {
            return self.file.sync_data();
        }
        match self.fault.lock().take() {
            Some(_) => Err(io::Error::other("injected")),
            None => self.file.sync_data(),
        }
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }
}

impl Local {
    fn new(segment_bytes: u64) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), fault: Arc::default(), segment_bytes }
    }

    fn hidden(&self) -> std::path::PathBuf {
        self.dir.path().join("hidden")
    }

    fn segments(&self) -> std::path::PathBuf {
        self.dir.path().join("segments")
    }
}

impl Harness for Local {
    fn connect(&mut self) -> Box<dyn Sequencer> {
        let dir = self.segments();
        let disk = Arc::new(LocalDisk(Arc::clone(&self.fault)));
        let recovered = recover(&dir, &*disk).unwrap();
        let segments = Arc::new(Shelf::new(dir, recovered.closed));
        let active = recovered.active.map(|(active, offsets)| {
            segments.open_active(active.first, offsets).unwrap();
            active
        });
        let sequencer =
            EmbeddedSequencer::new(disk, segments, self.segment_bytes, recovered.chain, active);
        Box::new(sequencer)
    }

    fn fail_next_append(&self, fault: InjectedFault) {
        *self.fault.lock() = Some(fault);
    }

    fn fail_next_read(&self) {
        std::fs::rename(self.segments(), self.hidden()).unwrap();
    }

    fn heal_reads(&self) {
        std::fs::rename(self.hidden(), self.segments()).unwrap();
    }
}

#[test]
fn the_memory_sequencer_holds_the_contract() {
    check(&mut InMemory(MemorySequencer::default()));
}

#[test]
fn the_embedded_sequencer_holds_the_contract_in_one_segment() {
    check(&mut Local::new(1_000_000));
}

#[test]
fn the_embedded_sequencer_holds_the_contract_over_many_segments() {
    check(&mut Local::new(1));
}
