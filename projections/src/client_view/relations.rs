//! Relations between events, and threads.
//!
//! Owns the rows by which children are found. They outlive the content that they were read from
//! ([`crate::query::EventInfo::is_related`] says whether a child still relates), for a destroyed
//! content does not tell which row was its.

use super::{
    applying::Applying,
    events::Placing,
    rows::{EventKind, EventRow},
    table::Table,
};
use crate::{
    bodies::EventBody,
    store::{Key, Rows, StoreError},
};
use facts::LogPosition;

/// Longest `rel_type` that is indexed; longer ones are nobody's.
const REL_TYPE_BYTES_MAX: usize = 255;

/// The relation that an event declares: parent event id and type.
pub(crate) fn relation_of(body: &EventBody) -> Option<(&str, &str)> {
    let (parent, rel_type) = (body.head().parent.as_deref()?, body.head().rel_type.as_deref()?);
    (rel_type.len() <= REL_TYPE_BYTES_MAX && parent.len() <= REL_TYPE_BYTES_MAX)
        .then_some((parent, rel_type))
}

fn relation_key(row: &EventRow, body: &EventBody) -> Option<Key> {
    let (parent, rel_type) = relation_of(body)?;
    let place = row.place?;
    Some(
        Key::new(Table::Relation)
            .u64(row.room.0)
            .str(parent)
            .str(rel_type)
            .str(body.str("type")?)
            .i64(place.0)
            .i64(place.1),
    )
}

pub(super) fn show(a: &mut Applying<'_>, placing: &Placing<'_>) -> Result<(), StoreError> {
    let redacted = Key::new(Table::Redacted).u64(placing.event.0);
    if a.batch.get(redacted.as_bytes())?.is_some() {
        return Ok(());
    }
    let Some(key) = relation_key(&placing.row, placing.body) else {
        return Ok(());
    };
    a.batch.put_u64(key, placing.event.0);
    if let Some((thread_root, "m.thread")) = relation_of(placing.body) {
        thread_moved(a, placing, thread_root)?;
    }
    Ok(())
}

fn thread_moved(
    a: &mut Applying<'_>,
    placing: &Placing<'_>,
    thread_root: &str,
) -> Result<(), StoreError> {
    let room = placing.room.0;
    let key = Key::new(Table::Thread).u64(room).str(thread_root);
    let old = a.batch.get_u64(&key)?;
    // A backfilled event is old news in a thread that is known already.
    let position = match (placing.row.kind, old) {
        (EventKind::Historic, Some(_)) => None,
        _ => Some(a.position().0),
    };
    if let Some(position) = position {
        if let Some(old) = old {
            a.batch.remove(Key::new(Table::ThreadOrder).u64(room).u64(old));
        }
        a.batch.put_u64(key, position);
        a.batch.put(Key::new(Table::ThreadOrder).u64(room).u64(position), thread_root.as_bytes());
    }
    let sender = placing.body.str("sender").map(|sender| a.user(sender));
    if let Some(user) = sender.transpose()?.flatten() {
        let key = Key::new(Table::ThreadParticipant).u64(room).str(thread_root).u64(user.0);
        a.batch.put(key, []);
    }
    Ok(())
}

/// A redacted event relates to nothing any more.
pub(super) fn hide(
    a: &mut Applying<'_>,
    event: LogPosition,
    row: &EventRow,
    body: &EventBody,
) -> Result<(), StoreError> {
    if let Some(key) = relation_key(row, body)
        && a.batch.get_u64(&key)? == Some(event.0)
    {
        a.batch.remove(key);
    }
    Ok(())
}
