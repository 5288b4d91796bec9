//! How a run leaves processor and disk to those who wait for answers.
//!
//! Owns the rests between two pieces of its work. While others write to the log it takes a small
//! share of one core, else about half of it. Once the server is to stop there are no rests.
//! Invariants: I10. Decides nothing about records.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use event_log::{BrokeOff, WRITING_REST, in_background};
use facts::LogPosition;
use tokio::time::Instant;

use super::RunFault;
use crate::scope_walk::Record;

/// While a piece of work is under way, whether the server is to stop is asked this often.
const STOPPING_ASKED: Duration = Duration::from_millis(100);
/// Somebody who wrote this lately is taken to write again.
const LATELY: Duration = Duration::from_secs(1);
/// Rests, as a multiple of the work before: while others write, and while nobody does.
const RESTS: (u32, u32) = (9, 1);
/// A rest, at most: a piece that took long had to wait itself.
const REST_MAX: Duration = Duration::from_millis(200);

/// The rests of one piece of work.
pub(super) struct Pace {
    record: Arc<dyn Record>,
    hurry: Arc<AtomicBool>,
    head: LogPosition,
    /// When others were seen to write.
    moved: Option<Instant>,
    /// Since when it works.
    since: Instant,
}

impl Pace {
    fn new(record: Arc<dyn Record>, hurry: Arc<AtomicBool>) -> Self {
        let head = record.head();
        Self { record, hurry, head, moved: None, since: Instant::now() }
    }

    /// Asks whether the server is to stop, for whoever has the pace itself in use.
    pub(super) fn is_hurried(&self) -> impl Fn() -> bool + use<> {
        let hurry = Arc::clone(&self.hurry);
        move || hurry.load(Ordering::Relaxed)
    }

    /// Rests after a piece of work.
    pub(super) fn rest(&mut self) {
        self.rest_at_least(Duration::ZERO);
    }

    /// Rests after a piece was written.
    pub(super) fn rest_of_writing(&mut self) {
        self.rest_at_least(WRITING_REST);
    }

    fn rest_at_least(&mut self, least: Duration) {
        let worked = self.since.elapsed();
        let rest =
            if self.others_write() { (worked * RESTS.0).max(least) } else { worked * RESTS.1 };
        if !self.hurry.load(Ordering::Relaxed) {
            thread::sleep(rest.min(REST_MAX));
        }
        self.since = Instant::now();
    }

    fn others_write(&mut self) -> bool {
        let head = self.record.head();
        if head > self.head {
            self.head = head;
            self.moved = Some(Instant::now());
        }
        self.moved.is_some_and(|moved| moved.elapsed() < LATELY)
    }
}

/// Does a piece of a run's work in the background. Rests end when `stopping` says so.
pub(super) async fn at_ease<T: Send + 'static>(
    name: &str,
    record: Arc<dyn Record>,
    stopping: &(dyn Fn() -> bool + Send + Sync),
    work: impl FnOnce(&mut Pace) -> T + Send + 'static,
) -> Result<T, RunFault> {
    let hurry = Arc::new(AtomicBool::new(stopping()));
    let hurried = Arc::clone(&hurry);
    let done = in_background(name, move || work(&mut Pace::new(record, hurried)));
    let mut done = std::pin::pin!(done);
    loop {
        tokio::select! {
            done = &mut done => return done.map_err(|BrokeOff| RunFault::Broken),
            () = tokio::time::sleep(STOPPING_ASKED) => {
                hurry.store(stopping(), Ordering::Relaxed);
            }
        }
    }
}
