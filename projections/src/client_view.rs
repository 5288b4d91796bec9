//! The client view: everything that `/sync`, `/messages` and the other reading endpoints ask.
//!
//! Owns one follower with one checkpoint, the projection of every fact that clients see, and
//! [`ClientView::snapshot`]. Rows hold positions; what is copied is listed in `rows.rs`.
//! Invariants: I1, I5, I15. Authorization and resolution are never run here: placements are
//! applied as they stand in the log.

mod account_data;
mod accounts;
mod applying;
mod backups;
mod devices;
mod directory;
pub(crate) mod e2ee;
pub(crate) mod erasing;
mod events;
mod inbox;
pub(crate) mod lookup;
mod media;
mod membership;
mod push;
pub(crate) mod receipts;
pub(crate) mod recent;
pub(crate) mod relations;
pub(crate) mod rows;
mod session_changes;
mod state;
pub(crate) mod stubbed;
pub(crate) mod table;
mod timeline;
pub(crate) mod unread;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::Duration};

use facts::{Fact, LogPosition};

pub use self::session_changes::SessionChanges;
use self::{
    applying::{Applying, Memory},
    recent::RecentChanges,
    session_changes::changes_sessions,
};
use crate::{
    bodies::Bodies,
    follower::{
        Checkpoint, FollowFault, Follower, FollowerHandle, OpenError, Progress, RebuildError,
        Serving, View, ViewsDir, rebuild,
    },
    query::Snapshot,
    source::{EntrySource, SourceEntry},
    store::{Batch, Grouping, StoreError},
    wakeups::Wakeups,
};

/// Name of the view's folder.
pub const NAME: &str = "client";
/// Raised whenever a row changes its meaning.
pub const SCHEMA: u32 = 6;
/// Within this many entries of the head, events are kept for whoever is about to read them.
const FRESH_ENTRIES: u64 = 1_000;

/// The client view of a running server; clones share it.
#[derive(Clone)]
pub struct ClientView {
    serving: Serving,
    progress: Progress,
    bodies: Arc<Bodies>,
    recent: Arc<RecentChanges>,
    wakeups: Arc<Wakeups>,
    sessions: SessionChanges,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The view is being built for the first time; answer 503 with a retry time.
    #[error("the client view is still being built")]
    Building,
    /// The store failed.
    #[error("the client view cannot be read")]
    Store(#[from] StoreError),
}

impl ClientView {
    /// Opens the view below `data_dir` and follows `source` on a thread of its own, until the
    /// handle is dropped.
    pub fn start(
        source: Arc<dyn EntrySource>,
        data_dir: &Path,
        server_name: &str,
    ) -> Result<(Self, FollowerHandle), OpenError> {
        let bodies = Arc::new(Bodies::new(source.clone()));
        let wakeups = Arc::new(Wakeups::default());
        let projection =
            ClientProjection::new(bodies.clone(), wakeups.clone(), server_name.to_owned());
        let sessions = projection.sessions.clone();
        let recent = projection.recent.clone();
        let follower = Follower::open(projection, &ViewsDir::of(data_dir), source)?;
        let view = Self {
            serving: follower.serving(),
            progress: follower.progress(),
            bodies,
            recent,
            wakeups,
            sessions,
        };
        Ok((view, follower.spawn()?))
    }

    /// Drops and builds the view while the server is stopped; returns the entries applied.
    pub fn rebuild(
        source: &Arc<dyn EntrySource>,
        data_dir: &Path,
        server_name: &str,
    ) -> Result<u64, RebuildError> {
        let bodies = Arc::new(Bodies::new(source.clone()));
        let wakeups = Arc::new(Wakeups::default());
        let projection = ClientProjection::new(bodies, wakeups, server_name.to_owned());
        rebuild(projection, &ViewsDir::of(data_dir), source)
    }

    /// The view at this instant.
    pub fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        let rows = self.serving.store().ok_or(SnapshotError::Building)?.snapshot();
        let checkpoint = Checkpoint::read(&rows)?.ok_or(SnapshotError::Building)?;
        let (bodies, recent) = (self.bodies.clone(), self.recent.clone());
        Ok(Snapshot { rows, bodies, recent, checkpoint, keeping: None })
    }

    /// How far the view is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits until the view has passed `position`, at most `bound` (I15).
    pub async fn wait_for(&self, position: LogPosition, bound: Duration) -> bool {
        self.progress.wait_for(position, bound).await
    }

    /// Drops what the store still has of rows that were replaced or removed. Blocks for as long as
    /// rewriting it takes; the follower and readers go on.
    pub fn purge(&self) -> Result<(), SnapshotError> {
        self.serving.store().ok_or(SnapshotError::Building)?.purge()?;
        Ok(())
    }

    /// Counts changes of sessions.
    pub fn session_changes(&self) -> &SessionChanges {
        &self.sessions
    }

    /// Bodies by position.
    pub fn bodies(&self) -> &Arc<Bodies> {
        &self.bodies
    }

    /// Waiting for news of a user.
    pub fn wakeups(&self) -> &Arc<Wakeups> {
        &self.wakeups
    }
}

/// How facts become the rows of the client view.
pub(crate) struct ClientProjection {
    memory: Memory,
    pub(crate) recent: Arc<RecentChanges>,
    /// The first entry of the batch at hand.
    first: Option<LogPosition>,
    wakeups: Arc<Wakeups>,
    sessions: SessionChanges,
    /// The batch at hand changes sessions.
    sessions_changed: bool,
}

impl ClientProjection {
    pub(crate) fn new(bodies: Arc<Bodies>, wakeups: Arc<Wakeups>, server_name: String) -> Self {
        Self {
            memory: Memory::new(bodies, server_name),
            recent: Arc::default(),
            first: None,
            wakeups,
            sessions: SessionChanges::default(),
            sessions_changed: false,
        }
    }
}

impl View for ClientProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> u32 {
        SCHEMA
    }

    fn grouping(&self) -> Grouping {
        table::group
    }

    fn reading(&mut self, lag: u64) {
        self.memory.reading = (lag <= FRESH_ENTRIES).then(|| self.memory.bodies.reading());
    }

    fn apply(&mut self, batch: &mut Batch, entry: &SourceEntry) -> Result<(), FollowFault> {
        self.first.get_or_insert(entry.header.position);
        let Some(fact) = &entry.fact else {
            // Its keys are destroyed: a view that is built now never learns of it.
            return Ok(());
        };
        self.sessions_changed |= changes_sessions(fact);
        let mut applying = Applying::new(batch, &entry.header, fact, &mut self.memory);
        dispatch(&mut applying, fact)?;
        Ok(())
    }

    fn committed(&mut self, checkpoint: &Checkpoint) {
        if let Some(first) = self.first.take() {
            self.recent.committed(first, &mut self.memory.changes, checkpoint.position);
        }
        if std::mem::take(&mut self.sessions_changed) {
            self.sessions.changed();
        }
        self.wakeups.wake(self.memory.touched.drain());
    }

    fn discarded(&mut self) {
        self.first = None;
        self.memory.forget();
    }
}

fn dispatch(a: &mut Applying<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::PduStored(_)
        | Fact::PduStub(_)
        | Fact::MessagesStubbed(_)
        | Fact::PduPlaced(_)
        | Fact::PduRedacted(_)
        | Fact::InviteStateStored(_)
        | Fact::RoomForgotten(_)
        | Fact::RoomPublished(_)
        | Fact::AliasSet(_)
        | Fact::AliasRemoved(_)
        | Fact::ReceiptSet(_) => dispatch_room(a, fact),
        Fact::AccountCreated(_)
        | Fact::AdminChanged(_)
        | Fact::PasswordSet(_)
        | Fact::AccountDeactivated(_)
        | Fact::ProfileFieldSet(_)
        | Fact::AccountDataSet(_)
        | Fact::FilterStored(_)
        | Fact::RegistrationTokenCreated(_)
        | Fact::RegistrationTokenUsed(_) => dispatch_account(a, fact),
        Fact::DeviceAdded(_)
        | Fact::DeviceRenamed(_)
        | Fact::DevicesRemoved(_)
        | Fact::SessionOpened(_)
        | Fact::SessionRefreshed(_)
        | Fact::DeviceSeen(_)
        | Fact::ToDeviceQueued(_)
        | Fact::ToDeviceAcknowledged(_)
        | Fact::MediaReserved(_)
        | Fact::MediaStored(_) => dispatch_device(a, fact),
        Fact::StreamOpened(opened) => {
            directory::stream_opened(a, opened);
            Ok(())
        }
        Fact::ShredOrdered(order) => {
            a.memory.bodies.clear();
            erasing::ordered(a, order)
        }
        Fact::ErasureRequested(requested) => {
            erasing::requested(a, requested);
            Ok(())
        }
        Fact::ErasureEnded(ended) => {
            erasing::ended(a, ended);
            Ok(())
        }
        _ => dispatch_keys(a, fact),
    }
}

fn dispatch_room(a: &mut Applying<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::PduStored(stored) => events::stored(a, stored),
        Fact::PduStub(stub) => events::stub(a, stub),
        Fact::MessagesStubbed(stubbed) => stubbed::messages(a, stubbed),
        Fact::PduPlaced(placed) => events::placed(a, placed),
        Fact::PduRedacted(redacted) => events::redacted(a, redacted),
        Fact::InviteStateStored(state) => membership::invite_state(a, state),
        Fact::RoomForgotten(forgotten) => membership::forgotten(a, forgotten),
        Fact::RoomPublished(published) => {
            directory::published(a, published);
            Ok(())
        }
        Fact::AliasSet(set) => directory::alias_set(a, set),
        Fact::AliasRemoved(_) => directory::alias_removed(a),
        Fact::ReceiptSet(receipt) => receipts::receipt_set(a, receipt),
        _ => Ok(()),
    }
}

fn dispatch_account(a: &mut Applying<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::AccountCreated(created) => {
            accounts::created(a, created);
            Ok(())
        }
        Fact::AdminChanged(changed) => accounts::change(a, |row, _| row.admin = changed.admin),
        Fact::PasswordSet(_) => accounts::change(a, |row, at| row.password = Some(at.0)),
        Fact::AccountDeactivated(deactivated) => accounts::deactivated(a, deactivated),
        Fact::ProfileFieldSet(field) => {
            media::referred_by_profile(a, field);
            account_data::profile_field(a, field);
            Ok(())
        }
        Fact::AccountDataSet(data) => account_data::set(a, data),
        Fact::FilterStored(filter) => {
            account_data::filter(a, filter);
            Ok(())
        }
        Fact::RegistrationTokenCreated(token) => {
            accounts::token_created(a, token);
            Ok(())
        }
        Fact::RegistrationTokenUsed(used) => accounts::token_used(a, used),
        _ => Ok(()),
    }
}

fn dispatch_device(a: &mut Applying<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::DeviceAdded(added) => {
            devices::added(a, added);
            Ok(())
        }
        Fact::DeviceRenamed(renamed) => devices::renamed(a, renamed),
        Fact::DevicesRemoved(removed) => devices::removed(a, removed),
        Fact::SessionOpened(opened) => devices::session_opened(a, opened),
        Fact::SessionRefreshed(refreshed) => devices::session_refreshed(a, refreshed),
        Fact::DeviceSeen(seen) => devices::seen(a, seen),
        Fact::ToDeviceQueued(_) => inbox::queued(a),
        Fact::ToDeviceAcknowledged(acknowledged) => inbox::acknowledged(a, acknowledged),
        Fact::MediaReserved(reserved) => media::reserved(a, reserved),
        Fact::MediaStored(stored) => media::stored(a, stored),
        _ => Ok(()),
    }
}

fn dispatch_keys(a: &mut Applying<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::DeviceKeysSet(set) => e2ee::device_keys(a, set),
        Fact::OneTimeKeysAdded(added) => e2ee::one_time_keys(a, added),
        Fact::OneTimeKeyClaimed(claimed) => e2ee::one_time_key_claimed(a, claimed),
        Fact::FallbackKeysSet(set) => {
            e2ee::fallback_keys(a, set);
            Ok(())
        }
        Fact::FallbackKeyUsed(used) => e2ee::fallback_key_used(a, used),
        Fact::CrossSigningKeysSet(set) => e2ee::cross_signing_keys(a, set),
        Fact::SignaturesAdded(added) => e2ee::signatures(a, added),
        Fact::BackupVersionCreated(created) => {
            backups::created(a, created);
            Ok(())
        }
        Fact::BackupVersionUpdated(updated) => backups::updated(a, updated),
        Fact::BackupVersionDeleted(deleted) => backups::deleted(a, deleted),
        Fact::BackupKeysStored(stored) => backups::keys_stored(a, stored),
        Fact::BackupKeysDeleted(deleted) => backups::keys_deleted(a, deleted),
        // Facts that clients see nothing of.
        _ => Ok(()),
    }
}
