//! Followers: views that follow the log on a thread of their own.
//!
//! Owns the trait [`View`], opening a view's store (dropping what does not match the log), the
//! loop that applies entries, progress and its watch, and rebuilding. Invariants: I1, I5 (one
//! batch carries rows and checkpoint), I7 (a rebuild runs the same functions), I10 (batches are
//! bounded), I12 (applying twice changes nothing), I15 ([`Progress::wait_for`]). Never appends.

mod checkpoint;
mod opening;
mod progress;
mod rebuild;
mod run;
mod waiting;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;

pub use self::{
    checkpoint::Checkpoint,
    opening::OpenError,
    progress::{FollowerState, Progress},
    rebuild::{RebuildError, rebuild},
    run::{Follower, FollowerHandle},
};
use crate::{
    source::{SourceEntry, SourceError},
    store::{Batch, Grouping, Store, StoreError},
};

/// Entries that are applied and committed as one, at most.
pub const BATCH_ENTRIES: usize = 512;
/// Rows after which a batch is committed even when it holds fewer entries.
pub const BATCH_ROWS: usize = 20_000;

/// A projection: how facts become rows.
pub trait View: Send + 'static {
    /// Its name: the folder is `<name>-v<schema>`.
    fn name(&self) -> &'static str;

    /// Raised whenever rows change their meaning; an older view is rebuilt.
    fn schema(&self) -> u32;

    /// True where this program can answer from rows of an older schema while the new view is
    /// being built beside it.
    fn reads_schema(&self, _older: u32) -> bool {
        false
    }

    /// Groups of rows whose ends are kept in memory once they were read.
    fn grouping(&self) -> Grouping {
        |_| None
    }

    /// Entries are about to be read, this far from the head.
    fn reading(&mut self, _lag: u64) {}

    /// Applies one entry. Must depend on the batch's rows and the log alone, so that applying the
    /// same entries again gives the same rows (I5).
    fn apply(&mut self, batch: &mut Batch, entry: &SourceEntry) -> Result<(), FollowFault>;

    /// The entries up to `checkpoint` are committed: wake whoever waits.
    fn committed(&mut self, checkpoint: &Checkpoint);

    /// A batch was given up, and the same entries will be applied again to what is committed:
    /// forget everything kept in memory.
    fn discarded(&mut self);
}

/// Why a follower stopped. The view stays readable at its last checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum FollowFault {
    /// The store failed or is damaged.
    #[error("the view's store failed")]
    Store(#[from] StoreError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Source(#[from] SourceError),
    /// The log does not continue where the view is.
    #[error("the log has no entry after position {0}, or not the expected one")]
    Gap(facts::LogPosition),
    /// A broken invariant of the view.
    #[error("the view panicked: {0}")]
    Panic(String),
}

/// The store that answers now; replaced when a rebuilt view takes over.
#[derive(Clone)]
pub struct Serving {
    current: Arc<ArcSwap<Option<Store>>>,
}

impl Serving {
    fn new(store: Option<Store>) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(store)) }
    }

    /// The store; `None` while the first build of a view has nothing to show.
    pub fn store(&self) -> Option<Store> {
        self.current.load().as_ref().clone()
    }

    fn swap(&self, store: Store) {
        self.current.store(Arc::new(Some(store)));
    }
}

/// Where views live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewsDir(pub PathBuf);

impl ViewsDir {
    /// The folder of the views of a data directory.
    pub fn of(data_dir: &std::path::Path) -> Self {
        Self(data_dir.join("views"))
    }

    fn view(&self, name: &str, schema: u32) -> PathBuf {
        self.0.join(format!("{name}-v{schema}"))
    }
}
