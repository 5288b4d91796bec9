//! Unread counts of a user in a room (client-server API, `unread_notifications` and
//! `unread_thread_notifications`).
//!
//! A count is a difference of two running sums (of the room, and of what differs for the user)
//! between now and where the user has read, so it costs the same however much is unread. Up to
//! where messages are destroyed, or about to be, nothing is unread. Where a policy may hide what is
//! unread, messages are looked at one by one (`shown`).

mod shown;

use facts::{
    LogPosition, StreamId,
    fact::{ReceiptKind, ThreadScope},
};

use self::shown::Unread;
use super::{Membership, Snapshot};
use crate::{
    client_view::{
        lookup::member_row,
        receipts::receipt_key,
        rows::ReceiptRow,
        table::Table,
        unread::{Sums, room_sums, user_sums},
    },
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Threads that are counted for one room and user, the most recent ones.
const THREADS_MAX: usize = 500;

/// Counts of unread events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadCounts {
    /// Events that notify.
    pub notifications: u64,
    /// Events that highlight.
    pub highlights: u64,
}

/// Unread counts of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomUnread {
    /// The main timeline.
    pub main: UnreadCounts,
    /// Threads with unread events, by root event id.
    pub threads: Vec<(String, UnreadCounts)>,
}

impl RoomUnread {
    /// Main timeline and threads together, for clients that do not ask for threads.
    pub fn total(&self) -> UnreadCounts {
        self.threads.iter().fold(self.main, |sum, (_, thread)| UnreadCounts {
            notifications: sum.notifications + thread.notifications,
            highlights: sum.highlights + thread.highlights,
        })
    }
}

impl Snapshot {
    /// The unread counts of a joined room; all zero for others.
    pub fn unread(&self, user: StreamId, room: StreamId) -> Result<RoomUnread, StoreError> {
        let Some(member) = member_row(&self.rows, user, room)? else {
            return Ok(RoomUnread::default());
        };
        if member.membership != Membership::Join {
            return Ok(RoomUnread::default());
        }
        let everywhere = self.read_upto(user, room, &ThreadScope::Unthreaded)?.max(member.since);
        let everywhere = everywhere.max(self.live_stubbed_upto(room)?);
        let main = self.read_upto(user, room, &ThreadScope::Main)?.max(everywhere);
        let mut unread =
            RoomUnread { main: self.count_after(user, room, "", main)?, threads: Vec::new() };
        let prefix = Key::new(Table::ThreadOrder).u64(room.0);
        let from = prefix.clone().u64(everywhere.0.saturating_add(1));
        for row in self
            .rows
            .iterate(from.as_bytes(), &prefix.after_prefix(), Order::Backward)
            .take(THREADS_MAX)
        {
            let (key, value) = row?;
            let last = LogPosition(KeyReader::after(&key, &prefix).u64()?);
            let thread_root =
                String::from_utf8(value).map_err(|_| StoreError::Row(Table::ThreadOrder.into()))?;
            let read = self
                .read_upto(user, room, &ThreadScope::Thread(thread_root.clone()))?
                .max(everywhere);
            if last > read {
                let counts = self.count_after(user, room, &thread_root, read)?;
                if counts != UnreadCounts::default() {
                    unread.threads.push((thread_root, counts));
                }
            }
        }
        Ok(unread)
    }

    fn read_upto(
        &self,
        user: StreamId,
        room: StreamId,
        thread: &ThreadScope,
    ) -> Result<LogPosition, StoreError> {
        let mut upto = 0;
        for kind in [ReceiptKind::Read, ReceiptKind::ReadPrivate] {
            let key = receipt_key(room, user, kind, thread);
            if let Some(row) = self.rows.get_row::<ReceiptRow>(&key)? {
                upto = upto.max(row.read_upto);
            }
        }
        Ok(LogPosition(upto))
    }

    fn count_after(
        &self,
        user: StreamId,
        room: StreamId,
        thread_root: &str,
        read: LogPosition,
    ) -> Result<UnreadCounts, StoreError> {
        let end = LogPosition(u64::MAX);
        let count = |upto| -> Result<Sums, StoreError> {
            let of_room = room_sums(&self.rows, room, thread_root, upto)?;
            let of_user = user_sums(&self.rows, user, room, thread_root, upto)?;
            Ok(of_room + of_user)
        };
        let (now, then) = (count(end)?, count(read)?);
        // What differs for a user never takes away more than the room's sum gave.
        let difference = |now: i64, then: i64| u64::try_from(now - then).unwrap_or(0);
        let counts = UnreadCounts {
            notifications: difference(now.notifications, then.notifications),
            highlights: difference(now.highlights, then.highlights),
        };
        let unread = Unread { user, room, thread_root, read };
        if counts == UnreadCounts::default() || !self.may_hide_unread(unread)? {
            return Ok(counts);
        }
        self.count_shown(unread)
    }
}
