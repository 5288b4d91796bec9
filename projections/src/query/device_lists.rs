//! Users whose devices a client has to ask for again (`device_lists`).

use std::collections::BTreeSet;

use facts::{LogPosition, StreamId};

use super::{Membership, Snapshot};
use crate::{
    client_view::{recent::Change, table::Table},
    store::{Key, Order, Rows, StoreError},
};

/// Members of a newly joined room that are reported as changed.
const MEMBERS_MAX: usize = 100_000;

/// Changes of device lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceListChanges {
    /// Users whose devices or keys changed, or who share a room now and did not before.
    pub changed: BTreeSet<StreamId>,
    /// Users who share no room any more.
    pub left: BTreeSet<StreamId>,
}

impl Snapshot {
    /// Changes for `user` in (since, upto]. `moved` are the joined rooms that moved since then
    /// ([`Self::moved_rooms_of`]); joins and leaves of the user themselves are taken from the
    /// membership log.
    pub fn device_list_changes(
        &self,
        user: StreamId,
        moved: &[StreamId],
        since: LogPosition,
    ) -> Result<DeviceListChanges, StoreError> {
        let mut changes = DeviceListChanges::default();
        let mut gone = BTreeSet::new();
        let mut own: Vec<_> = self.membership_changes(user, since)?;
        own.dedup_by_key(|(room, _, _)| *room);
        for room in own.iter().map(|(room, _, _)| *room).collect::<BTreeSet<_>>() {
            let before = self.membership_as_of(user, room, since)? == Some(Membership::Join);
            let now = self.is_joined(user, room)?;
            let members = || self.members(room, Membership::Join, MEMBERS_MAX);
            match (before, now) {
                (false, true) => {
                    changes.changed.extend(members()?.into_iter().map(|member| member.user));
                }
                (true, false) => gone.extend(members()?.into_iter().map(|member| member.user)),
                // Away for a while: what changed meanwhile was not told.
                (true, true) => {
                    changes.changed.extend(members()?.into_iter().map(|member| member.user));
                }
                (false, false) => {}
            }
        }
        for room in moved {
            self.changes_of_keys(*room, since, &mut changes.changed)?;
            self.changes_of_members(*room, since, &mut changes.changed, &mut gone)?;
        }
        if self.device_list_changed(user)?.is_some_and(|at| at > since) {
            changes.changed.insert(user);
        }
        self.changes_of_signatures(user, since, &mut changes.changed)?;
        for other in gone {
            if other != user && !self.share_a_room(user, other)? {
                changes.changed.remove(&other);
                changes.left.insert(other);
            }
        }
        Ok(changes)
    }

    /// Position of the last change of a user's devices or keys.
    pub fn device_list_changed(&self, user: StreamId) -> Result<Option<LogPosition>, StoreError> {
        let key = Key::new(Table::DeviceList).u64(user.0);
        Ok(self.rows.get_u64(&key)?.map(LogPosition))
    }

    /// Users whose keys `user` signed from another device.
    fn changes_of_signatures(
        &self,
        user: StreamId,
        since: LogPosition,
        changed: &mut BTreeSet<StreamId>,
    ) -> Result<(), StoreError> {
        if !self.may_have(Change::Signed(user), since) {
            return Ok(());
        }
        let prefix = Key::new(Table::SignedByUser).u64(user.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        for row in self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward) {
            let owner = super::timeline::position_of(Table::SignedByUser, &row?.1)?;
            changed.insert(StreamId(owner.0));
        }
        Ok(())
    }

    fn changes_of_keys(
        &self,
        room: StreamId,
        since: LogPosition,
        changed: &mut BTreeSet<StreamId>,
    ) -> Result<(), StoreError> {
        if !self.may_have(Change::DeviceLists(room), since) {
            return Ok(());
        }
        let prefix = Key::new(Table::DeviceListLog).u64(room.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        for row in self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward) {
            let user = super::timeline::position_of(Table::DeviceListLog, &row?.1)?;
            changed.insert(StreamId(user.0));
        }
        Ok(())
    }

    fn changes_of_members(
        &self,
        room: StreamId,
        since: LogPosition,
        changed: &mut BTreeSet<StreamId>,
        gone: &mut BTreeSet<StreamId>,
    ) -> Result<(), StoreError> {
        for change in self.state_delta(room, since, self.position())? {
            if change.event_type != "m.room.member" {
                continue;
            }
            let Some(member) = self.user(&change.state_key)? else {
                continue;
            };
            let before = self.membership_as_of(member, room, since)? == Some(Membership::Join);
            let now = self.is_joined(member, room)?;
            match (before, now) {
                (false, true) => {
                    changed.insert(member);
                }
                (true, false) => {
                    gone.insert(member);
                }
                // The same: joins that only repeat are not logged.
                (true, true) => {
                    let away = self.membership_changes(member, since)?;
                    if away.iter().any(|(in_room, _, _)| *in_room == room) {
                        changed.insert(member);
                    }
                }
                (false, false) => {}
            }
        }
        Ok(())
    }
}
