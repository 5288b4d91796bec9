//! Unread counts where policies may hide what is unread.
//!
//! Owns the walk over messages one by one: what is hidden is not counted, for no client could mark
//! it as read. Bounded: at most the [`LOOKED_AT_MAX`] newest rows of each sum are looked at, and
//! what is older is not counted. Where all that is unread is younger than the shortest ceiling, the
//! sums hold and nothing is walked.

use std::collections::BTreeMap;

use facts::{LogPosition, StreamId, fact::RecordKind};

use super::{Snapshot, UnreadCounts};
use crate::{
    client_view::{
        table::Table,
        unread::{Sums, first_step, room_prefix, steps, user_prefix},
    },
    store::{Key, Rows, StoreError},
};

/// Rows of one sum that are looked at for one count.
const LOOKED_AT_MAX: usize = 1_000;

/// What is asked about: a user's messages of a room and thread after a position.
#[derive(Clone, Copy)]
pub(super) struct Unread<'a> {
    pub(super) user: StreamId,
    pub(super) room: StreamId,
    pub(super) thread_root: &'a str,
    pub(super) read: LogPosition,
}

impl Unread<'_> {
    /// The sum of the room, and of what differs for the user.
    fn prefixes(&self) -> [Key; 2] {
        [
            room_prefix(self.room, self.thread_root),
            user_prefix(self.user, self.room, self.thread_root),
        ]
    }
}

impl Snapshot {
    /// Whether a ceiling may hide any of it, by the age of the oldest. One that was placed long
    /// after it came in may be older: it counts until the ceiling reaches the oldest, too.
    pub(super) fn may_hide_unread(&self, unread: Unread<'_>) -> Result<bool, StoreError> {
        let Some(keeping) = &self.keeping else { return Ok(false) };
        let Some(shortest) = keeping.in_force.shortest_ceiling(RecordKind::Messages) else {
            return Ok(false);
        };
        let mut oldest = None;
        for prefix in unread.prefixes() {
            let first = first_step(&self.rows, &prefix, unread.read)?;
            oldest = [oldest, first].into_iter().flatten().min();
        }
        let Some(oldest) = oldest else { return Ok(false) };
        let Some(event) = self.live_at(unread.room, oldest)? else { return Ok(true) };
        let Some(body) = self.event_body(event)? else { return Ok(true) };
        Ok(body.recorded_at.0.saturating_add(shortest.0) <= keeping.now.0)
    }

    /// Counts what is shown.
    pub(super) fn count_shown(&self, unread: Unread<'_>) -> Result<UnreadCounts, StoreError> {
        let mut counts = UnreadCounts::default();
        for (position, added) in self.added(unread)? {
            if added.notifications <= 0 && added.highlights <= 0 {
                continue;
            }
            let Some(event) = self.live_at(unread.room, position)? else { continue };
            if self.event_at(event)?.is_some() {
                counts.notifications += u64::try_from(added.notifications).unwrap_or(0);
                counts.highlights += u64::try_from(added.highlights).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// What each message added to both sums, down to the oldest that both have.
    fn added(&self, unread: Unread<'_>) -> Result<BTreeMap<LogPosition, Sums>, StoreError> {
        let mut both = BTreeMap::<LogPosition, Sums>::new();
        let mut from = LogPosition(0);
        for prefix in unread.prefixes() {
            let steps = steps(&self.rows, &prefix, unread.read, LOOKED_AT_MAX)?;
            if let (true, Some((oldest, _))) = (steps.limited, steps.added.last()) {
                from = from.max(*oldest);
            }
            for (position, added) in steps.added {
                let sum = both.entry(position).or_default();
                *sum = *sum + added;
            }
        }
        Ok(both.split_off(&from))
    }

    /// The message that is shown at a position; `None` where it is shown at another one since.
    fn live_at(
        &self,
        room: StreamId,
        placed: LogPosition,
    ) -> Result<Option<LogPosition>, StoreError> {
        let key = Key::new(Table::Live).u64(room.0).u64(placed.0);
        Ok(self.rows.get_u64(&key)?.map(LogPosition))
    }
}
