//! When runs happen, and what is known of the one under way.
//!
//! Owns one run at a time: by the clock, or because an officer asked. Keeps no truth: receipts are
//! facts, and what a status says is forgotten at a restart.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use facts::fact::Act;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{Destroyer, Offsite, RunDone, RunFault, Waiting};

/// Runs by the clock and on demand; clones share it.
#[derive(Clone)]
pub struct Destruction {
    shared: Arc<Shared>,
}

struct Shared {
    asked: Mutex<Asked>,
    wake: Notify,
    status: watch::Sender<DestructionStatus>,
    offsite: OnceLock<Offsite>,
}

/// Officers who wait for a run. Two who ask at once share it, and the later one is named.
#[derive(Debug, Default)]
struct Asked {
    /// How many have asked since the start.
    tickets: u64,
    by: Option<Act>,
}

/// What is known of runs since the start.
#[derive(Clone, Debug, Default)]
pub struct DestructionStatus {
    /// A run is under way.
    pub running: bool,
    /// Whoever asked with this ticket, or an earlier one, has had a run.
    pub answered: u64,
    /// What the last one came to; `None` before the first.
    pub last: Option<Result<RunDone, String>>,
}

impl Default for Destruction {
    fn default() -> Self {
        let shared = Shared {
            asked: Mutex::default(),
            wake: Notify::new(),
            status: watch::Sender::new(DestructionStatus::default()),
            offsite: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl Destruction {
    /// Asks for a run, which begins at once or when the one under way has ended. Gives the ticket
    /// that [`DestructionStatus::answered`] comes to then.
    pub fn ask(&self, by: Act) -> u64 {
        let mut asked = self.shared.asked.lock();
        asked.tickets += 1;
        asked.by = Some(by);
        self.shared.wake.notify_one();
        asked.tickets
    }

    /// What is known of runs.
    pub fn status(&self) -> DestructionStatus {
        self.shared.status.borrow().clone()
    }

    /// The order that the run under way waits for to be off-site, and why it is not there yet.
    pub fn waiting(&self) -> Option<Waiting> {
        self.shared.offsite.get()?.waiting()
    }

    /// Follows the status.
    pub fn watch(&self) -> watch::Receiver<DestructionStatus> {
        self.shared.status.subscribe()
    }

    /// Runs every so often, and when asked, until `stopping` says so. Without an interval only when
    /// asked.
    pub async fn follow(
        &self,
        destroyer: Destroyer,
        interval: Option<Duration>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let stop = stopping.clone();
        if let Some(offsite) = &destroyer.offsite {
            self.shared.offsite.get_or_init(|| offsite.clone());
        }
        while !*stopping.borrow() {
            tokio::select! {
                () = self.shared.wake.notified() => {}
                () = pause(interval) => {}
                stopped = stopping.wait_for(|stop| *stop) => {
                    drop(stopped);
                    return;
                }
            }
            let (ticket, by) = self.taken();
            self.shared.status.send_modify(|status| status.running = true);
            let done = destroyer.run(by, &|| *stop.borrow()).await;
            self.ended(ticket, done);
        }
    }

    fn taken(&self) -> (u64, Option<Act>) {
        let mut asked = self.shared.asked.lock();
        (asked.tickets, asked.by.take())
    }

    fn ended(&self, ticket: u64, done: Result<RunDone, RunFault>) {
        match &done {
            Ok(_) => {}
            Err(RunFault::Stopping) => tracing::info!("a run of the policies was broken off"),
            Err(fault) => tracing::error!(?fault, "a run of the policies failed"),
        }
        self.shared.status.send_modify(|status| {
            status.running = false;
            status.answered = ticket;
            status.last = Some(done.map_err(|fault| fault.to_string()));
        });
    }
}

async fn pause(interval: Option<Duration>) {
    match interval {
        Some(interval) => tokio::time::sleep(interval).await,
        None => std::future::pending().await,
    }
}
