//! Runs of the policies, on the server's runtime.
//!
//! Owns what a run is given and its following until the server stops. Contains no rule.

use std::{sync::Arc, time::Duration};

use commands::{WriteSide, governance::published};
use decide::policy::InForce;
use policies::destruction::{Destroyer, Destruction, Offsite, logged};
use read_side::KeepingRules;
use tokio::task::JoinHandle;

use super::Layers;
use crate::{config::Config, shutdown::Stopping};

const DAY_MS: u64 = 86_400_000;

impl Layers {
    /// Runs until the server is to stop; the task ends soon after.
    pub(crate) fn follow_destruction(
        &self,
        config: &Config,
        stopping: &Stopping,
    ) -> JoinHandle<()> {
        let retention = &config.retention;
        let destroyer = Destroyer {
            write_side: self.write_side.clone(),
            record: Arc::clone(&self.log) as _,
            keys: Arc::clone(&self.log) as _,
            view: self.view.clone(),
            blobs: Arc::clone(&self.blobs),
            keyring_backup_ms: u64::from(retention.keyring_backup_days) * DAY_MS,
            offsite: self.offsite.as_ref().map(|offsite| Offsite::new(offsite.orders())),
            before: logged(),
        };
        let minutes = u64::from(retention.run_every_minutes);
        let interval = (minutes > 0).then(|| Duration::from_secs(minutes * 60));
        let (destruction, stopping) = (self.destruction.clone(), stopping.watch());
        tokio::spawn(async move { destruction.follow(destroyer, interval, stopping).await })
    }
}

impl Layers {
    /// Removes files of media that nothing names, until the server is to stop. Once.
    pub(crate) fn follow_sweep(&mut self, stopping: &Stopping) -> Option<JoinHandle<()>> {
        let sweep = self.sweep.take()?;
        Some(tokio::spawn(sweep.follow(stopping.watch())))
    }
}

/// What is in force, as the commands of governance published it.
pub(super) struct PublishedRules(pub(super) WriteSide);

impl KeepingRules for PublishedRules {
    fn in_force(&self) -> Arc<InForce> {
        published(&self.0)
    }
}

/// Reads off the governance stream what is in force, before anything is served.
pub(super) async fn publish(write_side: &WriteSide) -> anyhow::Result<()> {
    commands::governance::publish(write_side)
        .await
        .map_err(|error| anyhow::anyhow!("the policies in force cannot be read: {error:?}"))
}

/// Nothing was asked for yet.
pub(super) fn idle() -> Destruction {
    Destruction::default()
}
