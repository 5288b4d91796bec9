//! Files of media that nothing names any more.
//!
//! Owns finding and removing them: a crash between a file and its fact leaves a whole file whose
//! key is nowhere, one between an order and the removal leaves a file whose key is destroyed. A
//! file is looked for in the log only once it has been there for a whole round, so that one which
//! is just being uploaded is never taken for forgotten; this asks no clock. Bounded in files a
//! round and in what is in memory. Invariants: I9, I10.

use std::{collections::HashSet, sync::Arc, time::Duration};

use commands::media::{BlobFault, BlobStore};
use event_log::ReadFault;
use facts::{Fact, FactBody as _, LogPosition, fact::MediaStored};
use tokio::sync::watch;

use crate::scope_walk::Record;

/// Files that one round looks at; what is above waits for the next.
const FILES_MAX: usize = 500_000;
/// Headers read at once.
const HEADERS_AT_ONCE: usize = 2_000;
/// Between two rounds: far longer than an upload may take from its file to its fact.
const BETWEEN_ROUNDS: Duration = Duration::from_hours(24);

/// Why a round removed nothing, or not all.
#[derive(Debug, thiserror::Error)]
pub enum SweepFault {
    /// The directory of media failed.
    #[error("the directory of media cannot be read or written")]
    Files(#[from] BlobFault),
    /// The log failed: what it names is not known, so nothing is removed.
    #[error("the log cannot be read")]
    Log(#[from] ReadFault),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// A thread was lost.
    #[error("a thread of the sweep broke off")]
    Broken,
}

/// The sweep, between two rounds.
pub struct Sweep {
    record: Arc<dyn Record>,
    blobs: Arc<BlobStore>,
    /// Files that were there when the last round ended.
    known: HashSet<String>,
    /// First byte of the names with which the next listing begins.
    first: u8,
}

impl Sweep {
    /// Notes what is there. Before anything is served: every file is then of an earlier process.
    pub async fn begin(record: Arc<dyn Record>, blobs: Arc<BlobStore>) -> Result<Self, SweepFault> {
        let mut sweep = Self { record, blobs, known: HashSet::new(), first: 0 };
        sweep.list().await?;
        Ok(sweep)
    }

    /// One round: removes the files that were there at the end of the last one and that no fact
    /// which can be read names. Answers how many. `stopping` is asked again and again.
    pub async fn round(
        &mut self,
        stopping: impl Fn() -> bool + Send + 'static,
    ) -> Result<u64, SweepFault> {
        let (record, mut left) = (Arc::clone(&self.record), std::mem::take(&mut self.known));
        let found = tokio::task::spawn_blocking(move || {
            unnamed(&*record, &mut left, &stopping)?;
            Ok::<_, SweepFault>(left)
        });
        let unnamed = match found.await.map_err(|_| SweepFault::Broken)? {
            Ok(unnamed) => unnamed,
            Err(fault) => {
                // The next round begins with what is there now.
                self.list().await?;
                return Err(fault);
            }
        };
        let mut removed = 0;
        for name in unnamed {
            // A crash here leaves the rest to the next start.
            self.blobs.remove(&name).await?;
            removed += 1;
        }
        self.list().await?;
        Ok(removed)
    }

    /// Round after round, the first at once, until `stopping` says so.
    pub async fn follow(mut self, mut stopping: watch::Receiver<bool>) {
        while !*stopping.borrow() {
            let stop = stopping.clone();
            match self.round(move || *stop.borrow()).await {
                Ok(0) | Err(SweepFault::Stopping) => {}
                Ok(files) => {
                    tracing::info!(files, "files of media that nothing names were removed");
                }
                Err(fault) => tracing::warn!(%fault, "files of media were not swept"),
            }
            tokio::select! {
                () = tokio::time::sleep(BETWEEN_ROUNDS) => {}
                stopped = stopping.wait_for(|stop| *stop) => {
                    drop(stopped);
                    return;
                }
            }
        }
    }

    async fn list(&mut self) -> Result<(), SweepFault> {
        let (blobs, first) = (Arc::clone(&self.blobs), self.first);
        let listing = tokio::task::spawn_blocking(move || {
            let (mut known, mut next) = (HashSet::new(), first);
            for _ in 0..=u8::MAX {
                known.extend(blobs.names(next)?);
                next = next.wrapping_add(1);
                if known.len() >= FILES_MAX {
                    break;
                }
            }
            Ok::<_, BlobFault>((known, next))
        });
        (self.known, self.first) = listing.await.map_err(|_| SweepFault::Broken)??;
        Ok(())
    }
}

/// Takes out of `files` what a fact names that can be read.
fn unnamed(
    record: &dyn Record,
    files: &mut HashSet<String>,
    stopping: &dyn Fn() -> bool,
) -> Result<(), SweepFault> {
    let (mut next, head) = (LogPosition(0), record.head());
    while next <= head && !files.is_empty() {
        if stopping() {
            return Err(SweepFault::Stopping);
        }
        let headers = record.headers(next, HEADERS_AT_ONCE)?;
        let Some(last) = headers.last() else { break };
        next = last.position.next();
        for header in headers.iter().filter(|header| header.fact_type == MediaStored::TYPE) {
            let Some(entry) = record.open(header.position)? else { continue };
            match entry.fact() {
                Ok(Some(Fact::MediaStored(stored))) => {
                    files.remove(&stored.blob);
                }
                // Its key is destroyed: nobody opens the file.
                Ok(_) => {}
                Err(error) => {
                    // What it names is not known: nothing is removed.
                    let error = std::io::Error::other(error.to_string());
                    return Err(SweepFault::Log(ReadFault::Io(error)));
                }
            }
        }
    }
    Ok(())
}
