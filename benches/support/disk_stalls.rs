//! Stalls of the disk itself, as a reader meets them who has nothing to do with the server.
//!
//! A thread reads a block of a file of its own past the system's cache, again and again, and
//! remembers when that took long. Machines share their disks with others: what a reader meets who
//! touches neither the log nor its file system's journal is not the server's doing, or only as far
//! as the server keeps the device busy; so it is told for both sides of a comparison.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::OFlags;

const BLOCK_BYTES: usize = 4096;
const BLOCKS: u64 = 256;
const EVERY: Duration = Duration::from_millis(2);
/// A read that takes longer met a stall; it usually takes a tenth of a millisecond.
const LONG: Duration = Duration::from_millis(3);
/// What had to wait in a stall keeps others waiting for so long.
const AFTER: Duration = Duration::from_millis(20);

type Stalls = Vec<(SystemTime, SystemTime)>;

/// Looks for stalls until it is dropped.
pub(crate) struct DiskStalls {
    stalls: Arc<Mutex<Stalls>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DiskStalls {
    /// Begins to read a file in `dir`, on the disk that is meant.
    pub(crate) fn watch(dir: &Path) -> io::Result<Self> {
        let path = dir.join("disk-stalls");
        let file = File::create(&path)?;
        file.write_all_at(&vec![7; BLOCK_BYTES * 256], 0)?;
        file.sync_all()?;
        let direct = i32::try_from(OFlags::DIRECT.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).custom_flags(direct).open(&path)?;
        let (stalls, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (stalls, ended) = (Arc::clone(&stalls), Arc::clone(&ended));
            move || look(&file, &stalls, &ended)
        });
        Ok(Self { stalls, ended, thread: Some(thread) })
    }

    /// Whether something that began `at` and took so long met a stall.
    pub(crate) fn met(&self, at: SystemTime, took: Duration) -> bool {
        let stalls = self.stalls.lock().unwrap_or_else(PoisonError::into_inner);
        stalls.iter().any(|(from, until)| at < *until + AFTER && at + took > *from)
    }
}

impl Drop for DiskStalls {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(file: &File, stalls: &Mutex<Stalls>, ended: &AtomicBool) {
    let mut room = vec![0; 2 * BLOCK_BYTES];
    let aligned = room.as_ptr().align_offset(BLOCK_BYTES);
    let mut block = 0;
    while !ended.load(Ordering::Relaxed) {
        let (from, started) = (SystemTime::now(), Instant::now());
        let read = file.read_at(&mut room[aligned..aligned + BLOCK_BYTES], block * 4096);
        if read.is_err() {
            return;
        }
        if started.elapsed() > LONG {
            let stall = (from, from + started.elapsed());
            stalls.lock().unwrap_or_else(PoisonError::into_inner).push(stall);
        }
        block = (block + 1) % BLOCKS;
        thread::sleep(EVERY);
    }
}
