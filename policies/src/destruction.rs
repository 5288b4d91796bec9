//! Destroying what is over: retention, redaction's end, erasure.
//!
//! Owns a run: every entry up to the head is judged by `decide::policy`, messages that go as wholes
//! get stubs, the keys of what is due are destroyed in orders that each fit into an entry, copies
//! outside of the log follow, and a receipt says what became of each. The dry run (`chancery policy plan`) asks the same
//! [`judging::judge`].
//!
//! The orders of a stretch are given as one, so that none of them counts what another destroys, and
//! carry the revision of the governance stream on which they were decided: a hold that comes first
//! in the log wins, and the stretch is judged anew. A crash anywhere leaves orders that
//! are finished at the next start, and a run without a receipt; the next run begins at the first
//! entry, finds what is left, and its receipt speaks of the orders that have none. Invariants: I3, I4, I10. Keeps no truth of its own.

mod chunk;
mod ending;
mod erased_accounts;
mod erased_days;
mod erased_folds;
mod fault;
pub mod judging;
mod key_ranges;
mod keys;
mod offsite;
mod pace;
mod schedule;
mod steps;
mod stubbing;
mod sweep;
mod tally;
mod unsettled;
mod without_receipt;

use std::{sync::Arc, time::Duration};

use commands::{CommandError, WriteSide, governance::in_force, media::BlobStore};
use decide::policy::InForce;
use event_log::{AppendRefusal, OrderOfMany, ShredError};
use facts::{
    EntryHeader, LogPosition,
    fact::{Act, ShredCause, ShredOrdered},
};
use projections::ClientView;
use tokio::runtime::Handle;

use self::{
    chunk::{Chunk, Judging, Progress},
    pace::at_ease,
    tally::Tally,
};
pub use self::{
    fault::RunFault,
    keys::{Expects, Keys},
    offsite::{Offsite, OffsiteOrders, Waiting},
    schedule::{Destruction, DestructionStatus},
    steps::{BeforeStep, RunStep, logged},
    sweep::{Sweep, SweepFault},
};
use crate::scope_walk::Record;

/// A stretch is judged anew so often while holds or policies move.
const TRIES_MAX: usize = 8;
/// So often a stretch is judged anew because media, state or a room's wishes moved; after that what
/// was judged a moment ago counts.
const LOOKS_AGAIN_MAX: usize = 3;
/// For the view to have what the log has.
const VIEW_WAIT_MAX: Duration = Duration::from_secs(30);

/// What a run works with.
#[derive(Clone)]
pub struct Destroyer {
    /// Commands.
    pub write_side: WriteSide,
    /// The log, for reading.
    pub record: Arc<dyn Record>,
    /// The log's keys.
    pub keys: Arc<dyn Keys>,
    /// What became of records.
    pub view: ClientView,
    /// Files of media.
    pub blobs: Arc<BlobStore>,
    /// For so long a backup of the keyring may still open what was destroyed, in milliseconds.
    pub keyring_backup_ms: u64,
    /// Where orders are kept off-site: a receipt waits until they are there.
    pub offsite: Option<Offsite>,
    /// Told before each step; [`logged`] but for tests.
    pub before: BeforeStep,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDone {
    /// The receipt's entry; `None` where there was nothing to do and nobody had asked.
    pub receipt: Option<LogPosition>,
    /// Orders that were given.
    pub orders: u64,
}

impl Destroyer {
    /// Runs over the whole record. One run at a time; `stopping` is asked between two stretches.
    /// A run that somebody asked for leaves a receipt also where nothing was due.
    pub async fn run(
        &self,
        by: Option<Act>,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<RunDone, RunFault> {
        if let Some(jump) = self.keys.unconfirmed_clock_jump() {
            return Err(RunFault::Clock(jump));
        }
        // What an earlier run ordered and could not carry out; a start does it by itself.
        let keys = Arc::clone(&self.keys);
        let finished = tokio::task::spawn_blocking(move || keys.finish());
        finished.await.map_err(|_| RunFault::Broken)?.map_err(RunFault::Order)?;
        (self.before)(RunStep::EndAccounts);
        self.end_erased_accounts().await?;
        let until = self.record.head();
        if !self.view.wait_for(until, VIEW_WAIT_MAX).await {
            return Err(RunFault::ViewBehind);
        }
        let mut tally = Tally::new(until);
        let mut progress = Progress::default();
        loop {
            if stopping() {
                return Err(RunFault::Stopping);
            }
            if self.stretch(&mut progress, &mut tally, stopping).await? {
                break;
            }
        }
        self.take_over(&progress.receipts, &mut tally).await?;
        self.end_run(tally, by, stopping).await
    }

    /// Judges one stretch and destroys what is due in it; true at the end of the walk.
    async fn stretch(
        &self,
        progress: &mut Progress,
        tally: &mut Tally,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<bool, RunFault> {
        for attempt in 0..TRIES_MAX {
            let fenced = in_force(&self.write_side)
                .await
                .map_err(|error: CommandError<_>| RunFault::of_command(&error))?;
            let expects = fenced.expects();
            let version = fenced.in_force.version;
            let in_force = Arc::new(fenced.in_force);
            let judging = (Arc::clone(&in_force), tally.until);
            let judged = self.judge(progress.clone(), judging.clone(), stopping);
            let (mut chunk, past) = judged.await?;
            let done = chunk.done;
            // Durable before any order: what it takes has something that stands for it.
            self.stub(std::mem::take(&mut chunk.stubs), stopping).await?;
            // Who moves something again and again does not keep a run from its end.
            if attempt < LOOKS_AGAIN_MAX {
                let (judged, stands) = self.look_again(chunk, judging, stopping).await?;
                if !stands {
                    continue;
                }
                chunk = judged;
            }
            match self.destroy(chunk, version, expects, tally).await {
                Ok(()) => {
                    *progress = past;
                    return Ok(done);
                }
                // A hold, a policy or an erasure came first in the log; nothing was ordered.
                Err(RunFault::Order(ShredError::Refused(AppendRefusal::RevisionMoved {
                    ..
                }))) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(RunFault::Moving)
    }

    async fn judge(
        &self,
        mut progress: Progress,
        by: (Arc<InForce>, LogPosition),
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(Chunk, Progress), RunFault> {
        self.judging(by, stopping, move |judging, rest| {
            let chunk = judging.chunk(&mut progress, rest)?;
            Ok((chunk, progress))
        })
        .await
    }

    /// Whether everything in a stretch would still be judged as it was.
    async fn look_again(
        &self,
        chunk: Chunk,
        by: (Arc<InForce>, LogPosition),
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(Chunk, bool), RunFault> {
        if !self.view.wait_for(self.record.head(), VIEW_WAIT_MAX).await {
            return Err(RunFault::ViewBehind);
        }
        self.judging(by, stopping, move |judging, rest| {
            let stands = judging.stands(&chunk, rest)?;
            Ok((chunk, stands))
        })
        .await
    }

    /// Judges in the background, with rests.
    async fn judging<T: Send + 'static>(
        &self,
        (in_force, until): (Arc<InForce>, LogPosition),
        stopping: &(dyn Fn() -> bool + Send + Sync),
        work: impl FnOnce(&Judging<'_>, &mut dyn FnMut()) -> Result<T, RunFault> + Send + 'static,
    ) -> Result<T, RunFault> {
        let (run, now) = (self.clone(), self.write_side.now());
        let runtime = Handle::current();
        let judged = at_ease("judging", Arc::clone(&self.record), stopping, move |pace| {
            // Judging asks the write side, and waits for it.
            let _inside = runtime.enter();
            let judging = Judging {
                record: &*run.record,
                keys: &*run.keys,
                view: &run.view,
                write_side: &run.write_side,
                in_force: &in_force,
                now,
                until,
            };
            work(&judging, &mut || pace.rest())
        });
        judged.await?
    }

    /// Gives the orders of a stretch, all of them or none, and removes the files of their media.
    async fn destroy(
        &self,
        chunk: Chunk,
        version: u64,
        expects: Expects,
        tally: &mut Tally,
    ) -> Result<(), RunFault> {
        tally.policy_version = version;
        let (mut orders, mut files) = (Vec::new(), Vec::new());
        for (cause, due) in chunk.due {
            tally.copied |= due.copied;
            let (records, due_files) = (due.records(cause), due.files);
            files.extend_from_slice(&due_files);
            let order = ShredOrdered { ranges: due.ranges.into_ranges(), cause };
            tally.trees(&order.ranges);
            orders.push(OrderOfMany { order, records, files: due_files });
        }
        if !orders.is_empty() {
            let records: Vec<_> = orders.iter().map(|order| order.records.clone()).collect();
            (self.before)(RunStep::Order);
            let keys = Arc::clone(&self.keys);
            let given = tokio::task::spawn_blocking(move || keys.order(orders, expects));
            let given = given.await.map_err(|_| RunFault::Broken)?.map_err(RunFault::Order)?;
            // Nothing that the write side remembers of it may be read any more.
            let keys = Arc::clone(&self.keys);
            let gone = move |header: &EntryHeader| {
                (0..header.parts.len()).any(|part| keys.is_destroyed(header, part))
            };
            let forgotten = self.write_side.forget_contents(gone).await;
            forgotten.map_err(|fault| RunFault::of_fault(&fault))?;
            for (order, records) in given.into_iter().zip(&records) {
                tally.order(order, records);
            }
        }
        self.remove_files(&files, tally).await;
        tally.restricted(chunk.restricted, chunk.restricted_of);
        Ok(())
    }
}

/// Whether an order of this cause can have had copies in views and folds.
fn has_copies(kind: facts::fact::RecordKind, cause: ShredCause) -> bool {
    kind == facts::fact::RecordKind::Account && cause == ShredCause::Erasure
}
