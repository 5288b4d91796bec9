//! The two orders of a room: live placements for `/sync`, timeline places for `/messages`.

use facts::{LogPosition, StreamId, fact::TimelinePlace};

use super::Snapshot;
use crate::{
    client_view::{lookup::event_row, table::Table},
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// An event in a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineEvent {
    /// Position of its `PduStored` entry.
    pub event: LogPosition,
    /// Position of the entry that placed it: its order in `/sync`.
    pub placed: LogPosition,
    /// Its order in `/messages`.
    pub place: Option<TimelinePlace>,
}

/// The newest live events in a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveRange {
    /// The events, oldest first.
    pub events: Vec<TimelineEvent>,
    /// True if older events of the range were left out.
    pub limited: bool,
}

/// Direction of pagination (`dir`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `b`: towards older events.
    Backward,
    /// `f`: towards newer events.
    Forward,
}

/// A row of the timeline order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageItem {
    /// An event.
    Event {
        /// Its place.
        place: TimelinePlace,
        /// Position of its `PduStored` entry.
        event: LogPosition,
    },
    /// Events before the one at this place are missing here.
    Gap {
        /// The place of the event whose previous events are missing.
        place: TimelinePlace,
        /// Ids of the missing events.
        missing: Vec<String>,
    },
}

impl Snapshot {
    /// The newest `limit` accepted live events with `since < placed <= upto`.
    pub fn live_range(
        &self,
        room: StreamId,
        since: LogPosition,
        upto: LogPosition,
        limit: usize,
    ) -> Result<LiveRange, StoreError> {
        let prefix = Key::new(Table::Live).u64(room.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        let to = prefix.clone().u64(upto.0.min(self.position().0).saturating_add(1));
        let mut range = LiveRange::default();
        for row in self.rows.iterate(from.as_bytes(), to.as_bytes(), Order::Backward) {
            if range.events.len() == limit {
                range.limited = true;
                break;
            }
            let (key, value) = row?;
            let event = position_of(Table::Live, &value)?;
            range.events.push(TimelineEvent {
                event,
                placed: LogPosition(KeyReader::after(&key, &prefix).u64()?),
                place: event_row(&self.rows, event)?.and_then(|row| row.place),
            });
        }
        range.events.reverse();
        Ok(range)
    }

    /// The last accepted live event with `placed <= upto`.
    pub fn last_live(
        &self,
        room: StreamId,
        upto: LogPosition,
    ) -> Result<Option<TimelineEvent>, StoreError> {
        Ok(self.live_range(room, LogPosition(0), upto, 1)?.events.pop())
    }

    /// The place in timeline order just after everything placed up to `position`: where
    /// `/messages` begins from a sync token. `None` for a room without live events then.
    pub fn place_at(
        &self,
        room: StreamId,
        position: LogPosition,
    ) -> Result<Option<TimelinePlace>, StoreError> {
        Ok(self.last_live(room, position)?.and_then(|last| last.place))
    }

    /// At most `max` rows of the timeline order, beginning at `from`.
    ///
    /// Backward: places `<= from` (from the newest when `None`); forward: places `>= from` (from
    /// the oldest). To go on, pass [`Self::beyond`] of the last place seen. A gap comes next to
    /// its event: after it when going backward, before it when going forward.
    pub fn page(
        &self,
        room: StreamId,
        from: Option<TimelinePlace>,
        direction: Direction,
        max: usize,
    ) -> Result<Vec<PageItem>, StoreError> {
        let prefix = Key::new(Table::Timeline).u64(room.0);
        let rows = match direction {
            Direction::Backward => {
                let end = match from {
                    Some(place) => after(&at(&prefix, place)),
                    None => prefix.after_prefix(),
                };
                self.rows.iterate(prefix.as_bytes(), &end, Order::Backward)
            }
            Direction::Forward => {
                let begin = from.map_or(prefix.clone(), |place| at(&prefix, place));
                self.rows.iterate(begin.as_bytes(), &prefix.after_prefix(), Order::Forward)
            }
        };
        let mut items = Vec::new();
        for row in rows {
            if items.len() >= max {
                break;
            }
            let (key, value) = row?;
            let mut reader = KeyReader::after(&key, &prefix);
            let place = TimelinePlace(reader.i64()?, reader.i64()?);
            let event = PageItem::Event { place, event: position_of(Table::Timeline, &value)? };
            let gap = self.gap_before(room, place)?;
            match direction {
                Direction::Backward => items.extend([Some(event), gap].into_iter().flatten()),
                Direction::Forward => items.extend([gap, Some(event)].into_iter().flatten()),
            }
        }
        Ok(items)
    }

    /// The gap before the event at a place, if previous events are missing.
    pub fn gap_before(
        &self,
        room: StreamId,
        place: TimelinePlace,
    ) -> Result<Option<PageItem>, StoreError> {
        let key = at(&Key::new(Table::Gap).u64(room.0), place);
        Ok(self
            .rows
            .get(key.as_bytes())?
            .map(|value| decode::<Vec<String>>(Table::Gap.into(), &value))
            .transpose()?
            .map(|missing| PageItem::Gap { place, missing }))
    }

    /// The place next to `place` in a direction: the `from` of the next page.
    pub fn beyond(place: TimelinePlace, direction: Direction) -> TimelinePlace {
        match direction {
            Direction::Backward => match place.1.checked_sub(1) {
                Some(index) => TimelinePlace(place.0, index),
                None => TimelinePlace(place.0.saturating_sub(1), i64::MAX),
            },
            Direction::Forward => match place.1.checked_add(1) {
                Some(index) => TimelinePlace(place.0, index),
                None => TimelinePlace(place.0.saturating_add(1), i64::MIN),
            },
        }
    }
}

fn at(prefix: &Key, place: TimelinePlace) -> Key {
    prefix.clone().i64(place.0).i64(place.1)
}

fn after(key: &Key) -> Vec<u8> {
    let mut bytes = key.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

pub(super) fn position_of(table: Table, value: &[u8]) -> Result<LogPosition, StoreError> {
    value
        .try_into()
        .map(|bytes| LogPosition(u64::from_be_bytes(bytes)))
        .map_err(|_| StoreError::Row(table.into()))
}
