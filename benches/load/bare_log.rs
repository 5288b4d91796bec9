//! One append-only file with group commit: all that is waiting goes out in one write and one
//! `fdatasync`, then every waiter is answered. The reference for `event-log`, without its work.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, anyhow};
use tokio::sync::{mpsc, oneshot};

/// Waiting appends; more push back on the handlers.
const QUEUE_MAX: usize = 4_096;

/// Appends of one commit, as many as `event-log` takes.
const COMMIT_MAX: usize = 1_000;

struct Append {
    bytes: Vec<u8>,
    done: oneshot::Sender<()>,
}

/// Handle of the writing thread, which ends with the last handle.
#[derive(Clone, Debug)]
pub(crate) struct BareLog {
    queue: mpsc::Sender<Append>,
    batches: Arc<AtomicU64>,
}

impl BareLog {
    /// Makes a file in `dir` that is gone with its handle.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(format!("chancery-load-bare-{}.tmp", std::process::id()));
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let file = file.with_context(|| format!("making {}", path.display()))?;
        // Unlinked while open: no end of this process leaves it behind.
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let batches = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&batches);
        std::thread::spawn(move || write_all(file, waiting, &counted));
        Ok(Self { queue, batches })
    }

    /// Returns when the bytes are durable.
    pub(crate) async fn append(&self, bytes: Vec<u8>) -> Result<()> {
        let (done, durable) = oneshot::channel();
        self.queue.send(Append { bytes, done }).await.map_err(|_| anyhow!("the writer stopped"))?;
        durable.await.map_err(|_| anyhow!("the write failed"))
    }

    /// Counter of commits.
    pub(crate) fn batches(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.batches)
    }
}

/// Ends at the first failure: what waits is dropped, and so answered with an error.
fn write_all(mut file: File, mut waiting: mpsc::Receiver<Append>, batches: &AtomicU64) {
    let mut buffer = Vec::new();
    let mut batch = Vec::new();
    while waiting.blocking_recv_many(&mut batch, COMMIT_MAX) > 0 {
        buffer.clear();
        for append in &batch {
            buffer.extend_from_slice(&append.bytes);
        }
        if file.write_all(&buffer).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        batches.fetch_add(1, Ordering::Relaxed);
        for append in batch.drain(..) {
            // A request that was given up has no waiter.
            let _ = append.done.send(());
        }
    }
}
