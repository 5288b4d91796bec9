//! Read receipts.

use facts::{
    StreamId,
    fact::{ReceiptKind, ReceiptSet, ThreadScope},
};

use super::{
    applying::Applying,
    lookup::{event_position, event_row},
    recent::Change,
    rows::{EventKind, ReceiptLogRow, ReceiptRow},
    table::Table,
};
use crate::store::{Key, Rows, StoreError};

pub(crate) fn receipt_key(
    room: StreamId,
    user: StreamId,
    kind: ReceiptKind,
    thread: &ThreadScope,
) -> Key {
    let kind = match kind {
        ReceiptKind::Read => 1,
        ReceiptKind::ReadPrivate => 2,
    };
    let (scope, thread_root) = match thread {
        ThreadScope::Unthreaded => (1, ""),
        ThreadScope::Main => (2, ""),
        ThreadScope::Thread(id) => (3, id.as_str()),
    };
    Key::new(Table::Receipt).u64(room.0).u64(user.0).u8(kind).u8(scope).str(thread_root)
}

pub(super) fn receipt_set(a: &mut Applying<'_>, receipt: &ReceiptSet) -> Result<(), StoreError> {
    let user = a.stream();
    let Some(room) = a.room(&receipt.room)? else {
        return Ok(());
    };
    let event = event_position(a.batch, &receipt.event_id)?;
    let row = event.map(|event| event_row(a.batch, event)).transpose()?.flatten();
    let key = receipt_key(room, user, receipt.kind, &receipt.thread);
    if let Some(old) = a.batch.get_row::<ReceiptRow>(&key)? {
        a.batch.remove(Key::new(Table::ReceiptLog).u64(room.0).u64(old.position));
    }
    let position = a.position().0;
    let receipt_row = ReceiptRow {
        position,
        event_id: receipt.event_id.clone(),
        read_upto: row.filter(|row| row.kind == EventKind::Live).map_or(0, |row| row.placed.0),
        at: receipt.at,
    };
    a.batch.put_row(key, &receipt_row);
    a.batch.put_row(
        Key::new(Table::ReceiptLog).u64(room.0).u64(position),
        &ReceiptLogRow { user: user.0, kind: receipt.kind, thread: receipt.thread.clone() },
    );
    a.changed(Change::Receipt(room));
    let mut room_row = a.room_row(room)?;
    a.moved(room, &mut room_row);
    a.touch(user);
    if receipt.kind == ReceiptKind::Read {
        a.touch_members(room)?;
    }
    Ok(())
}
