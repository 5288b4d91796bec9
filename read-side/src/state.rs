//! What every reading endpoint shares.
//!
//! Owns the handle on views, typing and ports, and the step onto the blocking pool: queries read
//! the disk at worst, so they never run on the threads that serve connections.

use std::{sync::Arc, time::Duration};

use facts::{LogPosition, Timestamp};
use http_edge::Clock;
use projections::{ClientView, Snapshot, SnapshotError, query::Keeping};
use ruma::{OwnedServerName, UserId};
use tokio::sync::{Semaphore, watch};

use crate::{
    fault::ReadFault,
    ports::{KeepingRules, MediaBlobs, NoRemote, Remote, Wishes},
    typing::{Sweeping, Typing},
};

/// Thumbnails made at once: each takes a core and the clear image in memory.
const THUMBNAILS_AT_ONCE: usize = 2;

/// What a reading server can be set to.
#[derive(Clone, Debug)]
pub struct ReadSettings {
    /// Our server name.
    pub server_name: OwnedServerName,
    /// Where clients reach us, for `.well-known`; `None` serves none.
    pub public_base_url: Option<String>,
    /// Version of new rooms, for `/capabilities`.
    pub default_room_version: String,
    /// Largest upload in bytes, for `/media/config`.
    pub upload_bytes_max: u64,
    /// A `/sync` waits at most this long, whatever the client asks for.
    pub sync_wait_max: Duration,
    /// Differs at each start of the server: typing counters of another start mean nothing.
    pub boot_id: u32,
}

/// What the read side is built on.
pub struct ReadSideParts {
    /// The client view.
    pub view: ClientView,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Commands, best effort.
    pub wishes: Arc<dyn Wishes>,
    /// Media files.
    pub blobs: Arc<dyn MediaBlobs>,
    /// What policies hide.
    pub keeping: Arc<dyn KeepingRules>,
    /// True once the server is to stop: what waits answers at once.
    pub stopping: watch::Receiver<bool>,
    /// Settings.
    pub settings: ReadSettings,
}

/// The read side; a cheap clone of one shared thing.
#[derive(Clone)]
pub struct ReadSide(Arc<Inner>);

struct Inner {
    parts: ReadSideParts,
    remote: Arc<dyn Remote>,
    typing: Arc<Typing>,
    sweeping: Sweeping,
    thumbnails: Arc<Semaphore>,
}

impl ReadSide {
    /// A read side over its parts that asks no other server for anything.
    pub fn new(parts: ReadSideParts) -> Self {
        Self::with_remote(parts, Arc::new(NoRemote))
    }

    /// A read side over its parts and the way to other servers.
    pub fn with_remote(parts: ReadSideParts, remote: Arc<dyn Remote>) -> Self {
        let typing = Arc::new(Typing::default());
        Self(Arc::new(Inner {
            parts,
            remote,
            typing,
            sweeping: Sweeping::default(),
            thumbnails: Arc::new(Semaphore::new(THUMBNAILS_AT_ONCE)),
        }))
    }

    pub(crate) fn view(&self) -> &ClientView {
        &self.0.parts.view
    }

    /// The view at this instant, without what policies hide.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        let in_force = self.0.parts.keeping.in_force();
        let keeping = Keeping { in_force, now: self.now() };
        Ok(self.view().snapshot()?.with_keeping(keeping))
    }

    pub(crate) fn settings(&self) -> &ReadSettings {
        &self.0.parts.settings
    }

    /// True for users of this server.
    pub(crate) fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.settings().server_name
    }

    pub(crate) fn wishes(&self) -> &dyn Wishes {
        &*self.0.parts.wishes
    }

    pub(crate) fn remote(&self) -> &dyn Remote {
        &*self.0.remote
    }

    pub(crate) fn blobs(&self) -> &dyn MediaBlobs {
        &*self.0.parts.blobs
    }

    pub(crate) fn typing(&self) -> &Arc<Typing> {
        &self.0.typing
    }

    pub(crate) fn sweeping(&self) -> &Sweeping {
        &self.0.sweeping
    }

    pub(crate) fn thumbnails(&self) -> &Arc<Semaphore> {
        &self.0.thumbnails
    }

    /// Ends when the server is to stop.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.0.parts.stopping.clone();
        if stopping.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could say so: the process lives on without a stop.
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// As [`Self::ask`], for a question about what happened after `since`. Where that is little
    /// and happened lately, it is answered at once: it reads what is in memory, and handing it to
    /// another thread and back would cost several times as much.
    pub(crate) async fn ask_since<T: Send + 'static>(
        &self,
        since: Option<LogPosition>,
        question: impl FnOnce(&Snapshot) -> Result<T, ReadFault> + Send + 'static,
    ) -> Result<T, ReadFault> {
        if let Some(since) = since {
            let snapshot = self.view().snapshot()?;
            if snapshot.is_near(since) {
                return question(&snapshot);
            }
        }
        self.ask(question).await
    }

    /// Runs queries over one snapshot on the blocking pool.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Snapshot) -> Result<T, ReadFault> + Send + 'static,
    ) -> Result<T, ReadFault> {
        let reading = self.clone();
        tokio::task::spawn_blocking(move || {
            let snapshot = reading.snapshot()?;
            question(&snapshot)
        })
        .await
        .map_err(|_| ReadFault::Cancelled)?
    }
}
