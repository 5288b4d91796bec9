//! Shipping off-site by the server itself: orders to destroy first, then closed segments and
//! media, then checkpoints.
//!
//! Owns the thread: its start, its pauses, what it does about a store that fails, and what others
//! are told of it. Serving never waits for it; only receipts of destruction do (LOG.md section 6).
//! Nothing is remembered here between two starts: what is there is read off the store.
//! Invariants: I9, I10. Contains no rule.

mod pace;
mod shipper;
mod terms;

use std::{sync::mpsc, thread, time::Duration};

use anyhow::Context as _;
use commands::WriteSide;
use policies::destruction::OffsiteOrders;
use tokio::sync::watch;

pub(crate) use self::terms::{lock_terms, longest_days};
use self::{pace::Pace, shipper::Shipper};
use crate::{
    backup::{LiveLog, Place},
    clock::SystemClock,
    config::Config,
};

/// Between two looks at whether there is something to ship; a look asks nobody.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// At the end of the server, for a request that is under way. Breaking one off is what a kill is.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);

/// Ships for as long as it lives.
pub(crate) struct OffsiteThread {
    orders: watch::Receiver<OffsiteOrders>,
    /// Dropped to end the thread.
    alive: Option<mpsc::Sender<()>>,
    ended: mpsc::Receiver<()>,
}

impl OffsiteThread {
    /// Starts to ship, where a place is configured. Asks the store nothing yet.
    pub(crate) fn start(
        config: &Config,
        live: LiveLog,
        write_side: WriteSide,
    ) -> anyhow::Result<Option<Self>> {
        let offsite = &config.offsite;
        let Some(to) = &offsite.ship_to else { return Ok(None) };
        let place = Place::parse(to, Some(offsite)).context("offsite.ship_to cannot be used")?;
        let (told, orders) = watch::channel(OffsiteOrders::default());
        let (alive, stop) = mpsc::channel();
        let (over, ended) = mpsc::channel();
        let data_dir = config.server.data_dir.clone();
        let terms = Box::new(move || lock_terms(&write_side));
        let mut shipper = Shipper::new(live, data_dir, place, terms, offsite);
        thread::Builder::new()
            .name("offsite".to_owned())
            .spawn(move || {
                let mut pace = Pace::default();
                while stop.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                    look(&mut shipper, &mut pace, &told);
                }
                drop(over);
            })
            .context("cannot start to ship off-site")?;
        Ok(Some(Self { orders, alive: Some(alive), ended }))
    }

    /// Whether the store takes what is shipped. Cheap.
    pub(crate) fn is_taken(orders: &watch::Receiver<OffsiteOrders>) -> bool {
        // A thread that is gone ships nothing.
        orders.has_changed().is_ok() && orders.borrow().trouble.is_none()
    }

    /// How far orders are off-site, and what keeps them from it.
    pub(crate) fn orders(&self) -> watch::Receiver<OffsiteOrders> {
        self.orders.clone()
    }
}

impl Drop for OffsiteThread {
    fn drop(&mut self) {
        drop(self.alive.take());
        if self.ended.recv_timeout(LAST_WORDS_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::info!("a request to the off-site store is broken off; the next start goes on");
        }
    }
}

/// Ships what there is, if it is time to.
fn look(shipper: &mut Shipper, pace: &mut Pace, told: &watch::Sender<OffsiteOrders>) {
    let (now, wall) = (event_log::Clock::monotonic_ms(&SystemClock), SystemClock.now_ms());
    shipper.close_old_segment(wall);
    shipper.measure();
    if !pace.may_try(now) || !shipper.has_work(wall) {
        return;
    }
    match shipper.step(wall, told) {
        Ok(()) => {
            if pace.succeeded() {
                tracing::info!("the off-site store takes what is shipped again");
            }
            metrics::gauge!("chancery_offsite_last_success_seconds").set(seconds(wall));
            told.send_if_modified(|orders| orders.trouble.take().is_some());
        }
        Err(error) => {
            let advice = crate::backup::BackupRefusal::next_of(&error);
            let words = format!("{error:#}");
            // The try may have taken long; the pause begins at its end.
            if pace.failed(event_log::Clock::monotonic_ms(&SystemClock)) {
                tracing::error!(
                    error = words,
                    advice,
                    "nothing can be shipped off-site; trying again"
                );
            }
            metrics::counter!("chancery_offsite_failures_total").increment(1);
            told.send_modify(|orders| orders.trouble = Some(words));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double, exact for such numbers")]
fn seconds(millis: u64) -> f64 {
    (millis / 1000) as f64
}
