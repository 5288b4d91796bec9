//! The thread on which the log is scrubbed.
//!
//! Owns its start and its end, and the waiting between two segments (the log has no clock to wait
//! by, I9). What it finds stops the log's writer (I13). Contains no rule.

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use anyhow::Context as _;
use event_log::{Log, ScrubPace};

/// Scrubs for as long as it lives.
pub(crate) struct Scrubber {
    /// Dropped to end the thread.
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Scrubber {
    /// Starts the thread.
    pub(crate) fn start(log: Arc<Log>, pace: ScrubPace) -> anyhow::Result<Self> {
        let (alive, ended) = mpsc::channel();
        let pause = move |rest| ended.recv_timeout(rest) == Err(mpsc::RecvTimeoutError::Timeout);
        let thread = thread::Builder::new()
            .name("log-scrub".to_owned())
            .spawn(move || {
                event_log::give_way();
                if let Err(fault) = log.scrub_in_rounds(pace, pause) {
                    tracing::error!(%fault, "the scrub ended; run `chancery log verify`");
                }
            })
            .context("cannot start the scrub")?;
        Ok(Self { alive: Some(alive), thread: Some(thread) })
    }
}

impl Drop for Scrubber {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the scrub broke off");
        }
    }
}
