//! The end of a run: what is left outside of the keyring, and the receipt.
//!
//! Owns the order: ciphertext, then views and folds, then the orders off-site where they are kept
//! there, then the receipt with the end of erasures of which nothing is left. A surface that failed
//! is said to have failed. A crash before the receipt leaves destroyed records without one: the
//! next run's receipt speaks of them (`without_receipt.rs`).

use std::sync::Arc;

use commands::governance::{EndedErasure, end_destruction_run, governance};
use decide::governance::GovernanceRefusal;
use facts::{
    LogPosition, Timestamp,
    fact::{Act, DestructionRunEnded, ShredSurface, SurfaceOutcome, SurfaceReport},
};

use super::{Destroyer, RunDone, RunFault, RunStep, pace::at_ease, tally::Tally};

impl Destroyer {
    pub(super) async fn end_run(
        &self,
        tally: Tally,
        by: Option<Act>,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<RunDone, RunFault> {
        let erasures = self.ended_erasures(&tally).await?;
        let orders = tally.orders_given;
        if by.is_none() && orders == 0 && erasures.is_empty() {
            return Ok(RunDone { receipt: None, orders });
        }
        let mut surfaces = self.clean_up(&tally, stopping).await?;
        if let Some((offsite, (_, last))) = self.offsite.as_ref().zip(tally.orders) {
            offsite.wait_for(last, stopping).await?;
            let (surface, outcome) = (ShredSurface::Offsite, SurfaceOutcome::Done);
            surfaces.push(SurfaceReport { surface, outcome });
        }
        (self.before)(RunStep::Receipt);
        let gone_at = Timestamp(self.write_side.now().0.saturating_add(self.keyring_backup_ms));
        let backups_gone_at = tally.orders.map(|_| gone_at);
        let receipt = DestructionRunEnded {
            judged_until: tally.until,
            policy_version: tally.policy_version,
            destroyed: tally.destroyed(),
            restricted: tally.restricted,
            orders: tally.orders,
            orders_given: orders,
            surfaces,
            backups_gone_at,
            by,
        };
        // Durable when this returns; only now may anybody say that the run is done.
        let receipt = end_destruction_run(&self.write_side, receipt, &erasures)
            .await
            .map_err(|error| RunFault::of_command(&error))?;
        tracing::info!(%receipt, orders, restricted = tally.restricted, "a run of the policies ended");
        Ok(RunDone { receipt: Some(receipt), orders })
    }

    /// Erasures of which nothing is left: asked for before the walk began, and nothing kept.
    async fn ended_erasures(&self, tally: &Tally) -> Result<Vec<EndedErasure>, RunFault> {
        let (until, last_order) = (tally.until, tally.orders.map(|(_, last)| last));
        let ended = governance(&self.write_side, |fold| {
            let walked = fold.erasures.iter().filter(|(request, _)| *request <= until);
            let over = walked.filter(|(_, erasure)| !tally.restricted_of.contains(&erasure.user));
            over.map(|(request, _)| EndedErasure { request, last_order }).collect()
        });
        ended.await.map_err(|error| RunFault::of_command::<GovernanceRefusal>(&error))
    }

    async fn clean_up(
        &self,
        tally: &Tally,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Vec<SurfaceReport>, RunFault> {
        let on_keys = match tally.orders {
            Some(_) => SurfaceOutcome::Done,
            None => SurfaceOutcome::NotApplicable,
        };
        let segments = match tally.orders {
            Some(_) => self.scavenge(tally, stopping).await?,
            None => SurfaceOutcome::NotApplicable,
        };
        let (mut views, mut folds) = (SurfaceOutcome::NotApplicable, SurfaceOutcome::NotApplicable);
        if tally.has_copies() {
            views = self.purge_view(tally.orders).await?;
            (self.before)(RunStep::Refold);
            let refolded = self.refold_erased().await;
            (self.before)(RunStep::PurgeFolds);
            let purged = self.write_side.purge_folds().await;
            folds =
                outcome("folds", refolded.and(purged.map_err(|fault| RunFault::of_fault(&fault))));
        }
        let report = |surface, outcome| SurfaceReport { surface, outcome };
        Ok(vec![
            report(ShredSurface::Keyring, on_keys),
            report(ShredSurface::KeyCaches, on_keys),
            report(ShredSurface::Segments, segments),
            report(ShredSurface::Views, views),
            report(ShredSurface::Folds, folds),
            report(ShredSurface::Search, SurfaceOutcome::NotApplicable),
            report(ShredSurface::Media, tally.media),
        ])
    }

    /// In the background, with rests. Once the server is to stop, up to the end of a segment; the
    /// next run takes the orders over, which have no receipt.
    async fn scavenge(
        &self,
        tally: &Tally,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<SurfaceOutcome, RunFault> {
        (self.before)(RunStep::Scavenge);
        let (keys, trees) = (Arc::clone(&self.keys), tally.trees.clone());
        let scavenged = at_ease("scavenging", Arc::clone(&self.record), stopping, move |pace| {
            let is_hurried = pace.is_hurried();
            keys.scavenge(&trees, &mut || pace.rest_of_writing(), &|| !is_hurried())
        });
        match scavenged.await? {
            SurfaceOutcome::Pending if stopping() => Err(RunFault::Stopping),
            outcome => Ok(outcome),
        }
    }

    /// The view is emptied of replaced rows once it has seen the last order.
    async fn purge_view(
        &self,
        orders: Option<(LogPosition, LogPosition)>,
    ) -> Result<SurfaceOutcome, RunFault> {
        let last = orders.map_or(LogPosition(0), |(_, last)| last);
        if !self.view.wait_for(last, super::VIEW_WAIT_MAX).await {
            tracing::error!("the client view is behind: replaced rows were not purged");
            return Ok(SurfaceOutcome::Failed);
        }
        (self.before)(RunStep::PurgeView);
        let view = self.view.clone();
        let purged = tokio::task::spawn_blocking(move || view.purge());
        Ok(outcome("views", purged.await.map_err(|_| RunFault::Broken)?))
    }
}

fn outcome<E: std::fmt::Debug>(surface: &str, done: Result<(), E>) -> SurfaceOutcome {
    match done {
        Ok(()) => SurfaceOutcome::Done,
        Err(error) => {
            tracing::error!(surface, ?error, "replaced values were not purged");
            SurfaceOutcome::Failed
        }
    }
}
