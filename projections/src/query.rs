//! Reading the client view: one snapshot, one checkpoint, typed questions.
//!
//! Owns [`Snapshot`]; each family of questions has a file in `query/`. All methods read one
//! instant and answer about (since, upto] where upto is [`Snapshot::position`] (DESIGN section 6).
//! They block on the disk at worst, never on the network, and never wait for the follower.

mod account_data;
mod accounts;
mod activity;
mod aliases;
mod backups;
mod device_lists;
mod events;
mod keeping;
mod keys;
mod media;
mod membership;
mod names;
mod receipts;
mod record;
mod relations;
mod rooms;
mod sessions;
mod state;
mod state_use;
mod stubbed;
mod threads;
mod timeline;
mod to_device;
mod unread;
mod visibility;

use std::sync::Arc;

use facts::LogPosition;

pub use self::{
    account_data::AccountDataItem,
    accounts::Account,
    backups::{BackupVersion, StoredSession},
    device_lists::DeviceListChanges,
    events::EventInfo,
    keeping::Keeping,
    keys::{CrossSigningUsage, DeviceKeysInfo, FallbackKey, StoredKey},
    media::MediaInfo,
    membership::{MemberEntry, RoomMembership},
    receipts::ReceiptItem,
    record::RecordDescription,
    relations::{RelationFilter, RelationPage},
    rooms::{RoomCounts, RoomSummary},
    sessions::{Device, Session},
    state::{StateDelta, StateEntry},
    state_use::{CHANGES_WALKED_MAX, StateUse},
    timeline::{Direction, LiveRange, PageItem, TimelineEvent},
    to_device::ToDeviceItem,
    unread::{RoomUnread, UnreadCounts},
    visibility::VisibilityInput,
};
use crate::{
    bodies::{Bodies, Body, EventBody},
    client_view::recent::{Change, RecentChanges},
    follower::Checkpoint,
    store::StoreSnapshot,
};
pub use crate::{
    client_view::rows::{EventKind, EventRow, Membership},
    store::{Order, StoreError},
};

/// So many entries are near.
const NEAR_ENTRIES_MAX: u64 = 4;

/// The client view at one instant.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) rows: StoreSnapshot,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) recent: Arc<RecentChanges>,
    pub(crate) checkpoint: Checkpoint,
    /// What hides; `None` for whoever may see everything.
    pub(crate) keeping: Option<Keeping>,
}

impl Snapshot {
    /// Everything up to and including this position is in the snapshot; `next_batch` carries it.
    pub fn position(&self) -> LogPosition {
        self.checkpoint.position
    }

    /// Log, incarnation and position of the snapshot.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// True where so little happened after `since`, and so lately, that what a question about it
    /// reads is in memory.
    pub fn is_near(&self, since: LogPosition) -> bool {
        self.position().0.saturating_sub(since.0) <= NEAR_ENTRIES_MAX
            && self.recent.covers(since, self.position())
    }

    /// False if nothing of the kind happened in (since, upto]: there is no row to look for.
    fn may_have(&self, change: Change, since: LogPosition) -> bool {
        self.recent.may_hold(change, since, self.position())
    }

    /// The entry at a position, opened; `None` where it is destroyed.
    pub fn body(&self, position: LogPosition) -> Result<Option<Arc<Body>>, StoreError> {
        Ok(self.bodies.get(position)?)
    }

    /// The JSON of the event stored at a position.
    pub fn event_body(&self, position: LogPosition) -> Result<Option<Arc<EventBody>>, StoreError> {
        Ok(self.bodies.event(position)?)
    }
}
