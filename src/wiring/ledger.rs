//! The ledger: its thread, and who reads it over HTTP.
//!
//! Owns the thread's start and end, and the waiting between two checkpoints. Contains no rule.

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use commands::{WriteSide, governance::governance};
use event_log::{Log, SystemRandom, ledger::Ledger};
use http_edge::{Session, SessionKind};
use read_side::{AuditorFuture, Auditors, LedgerReaders, LedgerRoutes, ledger_router};

use crate::{
    clock::SystemClock,
    config::{Config, ledger::LedgerAccess},
};

/// Follows the log for as long as it lives. Dropped after the log was closed, it signs a last
/// checkpoint over everything.
pub(super) struct LedgerThread {
    ledger: Arc<Ledger>,
    /// Dropped to end the thread.
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LedgerThread {
    /// Opens the ledger of a log and starts to follow it. Blocks while the tree catches up.
    pub(super) fn start(config: &Config, log: Arc<Log>) -> anyhow::Result<Self> {
        let ledger = Ledger::open(log, &SystemRandom).context("the ledger cannot be opened")?;
        let ledger = Arc::new(ledger);
        let (alive, ended) = mpsc::channel();
        let pause = move |rest| ended.recv_timeout(rest) == Err(mpsc::RecvTimeoutError::Timeout);
        let interval = Duration::from_millis(config.ledger.checkpoint_interval_ms);
        let following = Arc::clone(&ledger);
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                if let Err(fault) = following.follow(interval, &SystemClock, pause) {
                    tracing::error!(?fault, "nothing is signed any more; run `chancery verify`");
                }
            })
            .context("cannot start the ledger")?;
        Ok(Self { ledger, alive: Some(alive), thread: Some(thread) })
    }

    /// The ledger itself.
    pub(super) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// The routes by the configuration; none where it is off.
    pub(super) fn routes(&self, config: &Config, write_side: &WriteSide) -> Router {
        let readers = match config.ledger.access {
            LedgerAccess::Off => return Router::new(),
            LedgerAccess::Public => LedgerReaders::Everybody,
            LedgerAccess::Auditors => LedgerReaders::Auditors(Arc::new(Staff(write_side.clone()))),
        };
        ledger_router(LedgerRoutes { ledger: Arc::clone(&self.ledger), readers })
    }
}

impl Drop for LedgerThread {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger broke off");
        }
    }
}

/// Auditors and officers, by the roles in force. Server administrators are not among them.
struct Staff(WriteSide);

impl Auditors for Staff {
    fn is_auditor<'a>(&'a self, session: &'a Session) -> AuditorFuture<'a> {
        Box::pin(async move {
            // An application service could speak for others.
            if session.kind != SessionKind::User {
                return false;
            }
            let user = session.user.as_str();
            match governance(&self.0, |fold| fold.roles.is_staff(user)).await {
                Ok(is_staff) => is_staff,
                Err(error) => {
                    tracing::error!(?error, "roles could not be looked up");
                    false
                }
            }
        })
    }
}
