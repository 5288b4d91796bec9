//! The loop of a follower.
//!
//! Owns the thread, the batches and the swap of a rebuilt view. A crash before a commit loses the
//! batch, which is applied again; after it, nothing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
};

use facts::LogPosition;
use tokio::sync::watch;

use super::{
    BATCH_ENTRIES, BATCH_ROWS, Checkpoint, FollowFault, FollowerState, OpenError, Progress,
    Serving, View, ViewsDir, opening,
};
use crate::{
    source::{EntrySource, SourceEntry},
    store::Store,
};

/// A view with its store, not running yet.
pub struct Follower<V: View> {
    view: V,
    store: Store,
    source: Arc<dyn EntrySource>,
    progress: Progress,
    serving: Serving,
    stale: Vec<PathBuf>,
}

/// A running follower. Dropping it stops the thread and waits for it.
pub struct FollowerHandle {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl FollowerHandle {
    /// Stops after the batch at hand and waits for the thread.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // The loop catches panics; one outside of it has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Drop for FollowerHandle {
    fn drop(&mut self) {
        self.join();
    }
}

impl<V: View> Follower<V> {
    /// Opens the view's store, dropping what does not match the log.
    pub fn open(view: V, dir: &ViewsDir, source: Arc<dyn EntrySource>) -> Result<Self, OpenError> {
        let opened = opening::open(&view, dir, source.as_ref())?;
        let serving = match &opened.older {
            Some(older) => Serving::new(Some(older.clone())),
            None => Serving::new(opened.checkpoint.is_some().then(|| opened.store.clone())),
        };
        Ok(Self {
            view,
            progress: Progress::new(opened.checkpoint),
            serving,
            store: opened.store,
            source,
            stale: opened.stale,
        })
    }

    /// Its progress.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The store that answers.
    pub fn serving(&self) -> Serving {
        self.serving.clone()
    }

    /// Runs on a thread of its own until stopped or failed.
    pub fn spawn(self) -> Result<FollowerHandle, OpenError> {
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name(format!("view-{}", self.view.name()))
            .spawn(move || self.run(&stopped))
            .map_err(OpenError::Thread)?;
        Ok(FollowerHandle { stop, thread: Some(thread) })
    }

    fn run(mut self, stopped: &watch::Receiver<bool>) {
        let name = self.view.name();
        let progress = self.progress.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.follow(stopped)));
        let fault = match outcome {
            Ok(Ok(())) => {
                progress.set_state(FollowerState::Stopped);
                return;
            }
            Ok(Err(fault)) => fault,
            Err(panic) => FollowFault::Panic(panic_text(panic.as_ref())),
        };
        let cause = std::error::Error::source(&fault).map(ToString::to_string);
        tracing::error!(view = name, error = %fault, cause, "the follower stopped");
        metrics::counter!("chancery_view_faults_total", "view" => name).increment(1);
        progress.set_state(FollowerState::Failed(fault.to_string().into()));
    }

    fn follow(&mut self, stopped: &watch::Receiver<bool>) -> Result<(), FollowFault> {
        let mut head = self.source.subscribe();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| FollowFault::Panic(error.to_string()))?;
        loop {
            self.catch_up(|| *stopped.borrow())?;
            if *stopped.borrow() {
                return Ok(());
            }
            self.take_over();
            let mut stop = stopped.clone();
            let go_on = runtime.block_on(async {
                tokio::select! {
                    moved = head.wait_for(|head| self.progress.lag(*head) > 0) => moved.is_ok(),
                    _ = stop.wait_for(|stop| *stop) => false,
                }
            });
            if !go_on {
                return Ok(());
            }
        }
    }

    /// Applies everything up to the durable head.
    pub(crate) fn catch_up(&mut self, stopped: impl Fn() -> bool) -> Result<(), FollowFault> {
        while !stopped() {
            let next = self.progress.position().map_or(LogPosition(0), LogPosition::next);
            let head = self.source.head();
            if head < next {
                return Ok(());
            }
            self.view.reading(head.0 - next.0);
            let entries = self.source.read_range(next, BATCH_ENTRIES)?;
            if entries.first().is_none_or(|entry| entry.header.position != next) {
                return Err(FollowFault::Gap(next));
            }
            self.apply(&entries)?;
        }
        Ok(())
    }

    /// Applies entries in as few commits as the bounds allow.
    fn apply(&mut self, entries: &[SourceEntry]) -> Result<(), FollowFault> {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut batch = self.store.batch();
            let mut applied = 0;
            for entry in rest {
                if let Err(fault) = self.view.apply(&mut batch, entry) {
                    self.view.discarded();
                    return Err(fault);
                }
                applied += 1;
                if batch.len() >= BATCH_ROWS {
                    break;
                }
            }
            let (done, left) = rest.split_at(applied);
            rest = left;
            if let Some(last) = done.last() {
                let checkpoint = Checkpoint::of(self.source.log_id(), last, self.view.schema());
                checkpoint.write(&mut batch);
                self.store.commit(batch)?;
                self.report(&checkpoint);
            }
        }
        Ok(())
    }

    fn report(&mut self, checkpoint: &Checkpoint) {
        let name = self.view.name();
        // Whoever waits for a position must find it, so a view that has just been built serves
        // before anybody hears of it.
        if self.serving.store().is_none() && checkpoint.position >= self.source.head() {
            self.serving.swap(self.store.clone());
        }
        // First, so that what it tells is known to whoever was told that the view has passed.
        self.view.committed(checkpoint);
        self.progress.passed(checkpoint.clone());
        #[expect(clippy::cast_precision_loss, reason = "a gauge of a lag needs no precision")]
        metrics::gauge!("chancery_view_lag_entries", "view" => name)
            .set(self.progress.lag(self.source.head()) as f64);
    }

    /// The view is at the head: it serves from here on, and older ones go.
    pub(crate) fn take_over(&mut self) {
        if self.progress.position().is_none() {
            return;
        }
        if !self.stale.is_empty() || self.serving.store().is_none() {
            self.serving.swap(self.store.clone());
        }
        for path in std::mem::take(&mut self.stale) {
            if let Err(error) = opening::remove(&path) {
                // It stays until the next start, which finds it again.
                tracing::warn!(view = %path.display(), %error, "an old view could not be removed");
            }
        }
    }

    /// Shows what is built so far; for a view whose only store is its own.
    pub(super) fn finish(mut self) {
        self.take_over();
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
