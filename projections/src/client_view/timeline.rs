//! The two orders of a room and the gaps in the second.

use facts::{LogPosition, StreamId, fact::TimelinePlace};

use super::{
    applying::{Applying, ROOMS_MAX},
    events::Placing,
    relations,
    rows::{EventKind, EventRow},
    table::Table,
};
use crate::{
    bodies::EventBody,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

fn place_key(table: Table, room: StreamId, place: TimelinePlace) -> Key {
    Key::new(table).u64(room.0).i64(place.0).i64(place.1)
}

/// Shows an event: live ones in `/sync` at `shown_at`, all of them in `/messages`.
pub(super) fn show(
    a: &mut Applying<'_>,
    placing: &Placing<'_>,
    shown_at: LogPosition,
) -> Result<(), StoreError> {
    let room = placing.room;
    if placing.row.kind == EventKind::Live {
        let key = Key::new(Table::Live).u64(room.0).u64(shown_at.0);
        a.batch.put_u64(key, placing.event.0);
    }
    let Some(place) = placing.row.place else {
        return Ok(());
    };
    a.batch.put_u64(place_key(Table::Timeline, room, place), placing.event.0);
    fill(a, room, &placing.body.event_id)?;
    if placing.missing.is_empty() {
        return Ok(());
    }
    a.memory.complete.remove(&room);
    a.batch.put_row(place_key(Table::Gap, room, place), &placing.missing);
    for id in &placing.missing {
        let key = Key::new(Table::MissingPrev).u64(room.0).str(id).i64(place.0).i64(place.1);
        a.batch.put(key, []);
    }
    Ok(())
}

/// Takes an event out of the gaps that wait for it.
fn fill(a: &mut Applying<'_>, room: StreamId, event_id: &str) -> Result<(), StoreError> {
    if is_complete(a, room)? {
        return Ok(());
    }
    let prefix = Key::new(Table::MissingPrev).u64(room.0).str(event_id);
    let waiting = a
        .batch
        .prefix(&prefix, Order::Forward)
        .map(|row| {
            let (key, _) = row?;
            let mut reader = KeyReader::after(&key, &prefix);
            let place = TimelinePlace(reader.i64()?, reader.i64()?);
            Ok((key, place))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    for (key, place) in waiting {
        a.batch.remove_raw(key);
        let gap = place_key(Table::Gap, room, place);
        let mut missing: Vec<String> = a.batch.get_row(&gap)?.unwrap_or_default();
        missing.retain(|id| id != event_id);
        if missing.is_empty() {
            a.batch.remove(gap);
        } else {
            a.batch.put_row(gap, &missing);
        }
    }
    Ok(())
}

/// True where the room lacks no event.
fn is_complete(a: &mut Applying<'_>, room: StreamId) -> Result<bool, StoreError> {
    if a.memory.complete.contains(&room) {
        return Ok(true);
    }
    let missing = Key::new(Table::MissingPrev).u64(room.0);
    if a.batch.prefix(&missing, Order::Forward).next().transpose()?.is_some() {
        return Ok(false);
    }
    if a.memory.complete.len() >= ROOMS_MAX {
        a.memory.complete.clear();
    }
    a.memory.complete.insert(room);
    Ok(true)
}

/// Takes an event out of both orders before it is placed once more.
pub(super) fn unplace(
    a: &mut Applying<'_>,
    event: LogPosition,
    row: &EventRow,
    body: &EventBody,
) -> Result<(), StoreError> {
    if row.kind == EventKind::Live {
        a.batch.remove(Key::new(Table::Live).u64(row.room.0).u64(row.placed.0));
    }
    if let Some(place) = row.place {
        a.batch.remove(place_key(Table::Timeline, row.room, place));
        let gap = place_key(Table::Gap, row.room, place);
        let missing: Vec<String> = a.batch.get_row(&gap)?.unwrap_or_default();
        for id in missing {
            a.batch.remove(
                Key::new(Table::MissingPrev).u64(row.room.0).str(&id).i64(place.0).i64(place.1),
            );
        }
        a.batch.remove(gap);
    }
    relations::hide(a, event, row, body)
}
