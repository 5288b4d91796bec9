//! Running sums of what notifies, from which unread counts are differences.
//!
//! Owns two sums for each room and thread: what notifies anybody with the default push rules (one
//! row an event), and for each user what differs from it: own events, mentions, own rules. So an
//! event costs rows for those whom it concerns in particular, not for every member, and a count
//! costs the same however much is unread. What once was counted stays so when rules change later,
//! or when the event is redacted.

use std::ops::{Add, Sub};

use facts::{LogPosition, StreamId};

use super::{
    applying::Applying, events::Placing, push::Outcome, relations::relation_of, table::Table,
};
use crate::store::{Key, KeyReader, Order, RowIter, Rows, StoreError};

/// Notifications and highlights so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) notifications: i64,
    pub(crate) highlights: i64,
}

impl Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            notifications: self.notifications + other.notifications,
            highlights: self.highlights + other.highlights,
        }
    }
}

impl Sub for Sums {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            notifications: self.notifications - other.notifications,
            highlights: self.highlights - other.highlights,
        }
    }
}

impl Sums {
    fn encode(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.notifications.to_be_bytes());
        out[8..].copy_from_slice(&self.highlights.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (notifications, rest) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            notifications: i64::from_be_bytes(*notifications),
            highlights: i64::from_be_bytes(rest.try_into().ok()?),
        })
    }

    fn of(outcome: Outcome) -> Self {
        Self { notifications: i64::from(outcome.notify), highlights: i64::from(outcome.highlight) }
    }
}

/// What single rows added to a sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Positions with what each added, the newest first.
    pub(crate) added: Vec<(LogPosition, Sums)>,
    /// True if older ones were left out.
    pub(crate) limited: bool,
}

pub(crate) fn room_prefix(room: StreamId, thread_root: &str) -> Key {
    Key::new(Table::NotifyRoom).u64(room.0).str(thread_root)
}

pub(crate) fn user_prefix(user: StreamId, room: StreamId, thread_root: &str) -> Key {
    Key::new(Table::NotifyUser).u64(user.0).u64(room.0).str(thread_root)
}

/// The sum of a room and thread up to a position; the largest position stands for now.
pub(crate) fn room_sums(
    rows: &impl Rows,
    room: StreamId,
    thread_root: &str,
    upto: LogPosition,
) -> Result<Sums, StoreError> {
    sums(rows, &room_prefix(room, thread_root), upto)
}

/// What differs for a user, likewise.
pub(crate) fn user_sums(
    rows: &impl Rows,
    user: StreamId,
    room: StreamId,
    thread_root: &str,
    upto: LogPosition,
) -> Result<Sums, StoreError> {
    sums(rows, &user_prefix(user, room, thread_root), upto)
}

fn sums(rows: &impl Rows, prefix: &Key, upto: LogPosition) -> Result<Sums, StoreError> {
    let key = prefix.clone().u64(upto.0);
    let value = if upto.0 == u64::MAX {
        rows.get(key.as_bytes())?
    } else {
        // Sums are added at the end and never removed.
        rows.last_settled(prefix, &key)?
    };
    match value {
        Some(value) => Sums::decode(&value).ok_or(StoreError::Row(prefix.table())),
        None => Ok(Sums::default()),
    }
}

/// The newest rows of a sum after a position, at most `max`.
pub(crate) fn steps(
    rows: &impl Rows,
    prefix: &Key,
    after: LogPosition,
    max: usize,
) -> Result<Steps, StoreError> {
    let mut found = Vec::new();
    for row in between(rows, prefix, after, Order::Backward).take(max.saturating_add(1)) {
        let (key, value) = row?;
        let sum = Sums::decode(&value).ok_or(StoreError::Row(prefix.table()))?;
        found.push((LogPosition(KeyReader::after(&key, prefix).u64()?), sum));
    }
    let limited = found.len() > max;
    let base = if limited { found.pop().map(|(_, sum)| sum) } else { None };
    let mut before = match base {
        Some(sum) => sum,
        None => sums(rows, prefix, after)?,
    };
    for (_, sum) in found.iter_mut().rev() {
        (before, *sum) = (*sum, *sum - before);
    }
    Ok(Steps { added: found, limited })
}

/// The oldest row of a sum after a position.
pub(crate) fn first_step(
    rows: &impl Rows,
    prefix: &Key,
    after: LogPosition,
) -> Result<Option<LogPosition>, StoreError> {
    match between(rows, prefix, after, Order::Forward).next().transpose()? {
        Some((key, _)) => Ok(Some(LogPosition(KeyReader::after(&key, prefix).u64()?))),
        None => Ok(None),
    }
}

/// Rows after a position, without the one that stands for now.
fn between<'a>(rows: &'a impl Rows, prefix: &Key, after: LogPosition, order: Order) -> RowIter<'a> {
    let from = prefix.clone().u64(after.0.saturating_add(1));
    let now = prefix.clone().u64(u64::MAX);
    rows.iterate(from.as_bytes(), now.as_bytes(), order)
}

fn add(a: &mut Applying<'_>, prefix: Key, more: Sums) -> Result<(), StoreError> {
    let position = a.position();
    let sum = match a.memory.sums.get(prefix.as_bytes()) {
        Some(known) => *known + more,
        None => sums(a.batch, &prefix, LogPosition(u64::MAX))? + more,
    };
    a.batch.put(prefix.clone().u64(position.0), sum.encode());
    a.batch.put(prefix.clone().u64(u64::MAX), sum.encode());
    a.memory.keep_sums(prefix.into_bytes(), sum);
    Ok(())
}

/// Counts a live event.
pub(super) fn count(a: &mut Applying<'_>, placing: &Placing<'_>) -> Result<(), StoreError> {
    let thread_root = match relation_of(placing.body) {
        Some((thread_root, "m.thread")) => thread_root,
        _ => "",
    };
    let verdicts = a.evaluate(placing)?;
    let everybody = Sums::of(verdicts.everybody);
    if everybody != Sums::default() {
        add(a, room_prefix(placing.room, thread_root), everybody)?;
    }
    for (user, outcome) in verdicts.exceptions {
        let own = Sums::of(outcome);
        let difference = Sums {
            notifications: own.notifications - everybody.notifications,
            highlights: own.highlights - everybody.highlights,
        };
        if difference != Sums::default() {
            add(a, user_prefix(user, placing.room, thread_root), difference)?;
        }
    }
    Ok(())
}
