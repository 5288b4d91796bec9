//! Persons who are being erased.
//!
//! Owns what the view forgets of them with each order: rows that a destroyed entry left and that
//! hold what the person chose (types of account data, names of profile fields, filters and
//! backups) or did (receipts). A view that is built later never learns of such entries, so both
//! come to the same rows. And which rooms lost content with the orders: rows that say what it
//! related to are told to nobody. Invariants: I5, I12.

use facts::{
    LogPosition, StreamId,
    fact::{ErasureEnded, ErasureRequested, ShredCause, ShredOrdered},
};

use super::{
    applying::Applying,
    push::PUSH_RULES,
    rows::{BackupRow, ReceiptRow},
    table::Table,
};
use crate::store::{Key, KeyReader, Order, Rows, StoreError, decode};

pub(super) fn requested(a: &mut Applying<'_>, requested: &ErasureRequested) {
    let key = Key::new(Table::Erasing).u64(a.position().0);
    a.batch.put(key, requested.user.as_bytes());
}

pub(super) fn ended(a: &mut Applying<'_>, ended: &ErasureEnded) {
    a.batch.remove(Key::new(Table::Erasing).u64(ended.request.0));
}

/// Reads refuse what an order covers before anybody sees the order, so that what cannot be read
/// now is what it took, or an earlier one.
pub(super) fn ordered(a: &mut Applying<'_>, order: &ShredOrdered) -> Result<(), StoreError> {
    if order.cause != ShredCause::Erasure {
        return Ok(());
    }
    let prefix = Key::new(Table::Erasing);
    let mut users = Vec::new();
    for row in a.batch.prefix(&prefix, Order::Forward) {
        users.push(String::from_utf8(row?.1).map_err(|_| StoreError::Row(Table::Erasing.into()))?);
    }
    for user in users {
        if let Some(user) = a.user(&user)? {
            forget(a, user)?;
        }
    }
    Ok(())
}

fn forget(a: &mut Applying<'_>, user: StreamId) -> Result<(), StoreError> {
    for table in [Table::AccountData, Table::Profile, Table::Filter] {
        forget_rows(a, &Key::new(table).u64(user.0), |_, value| {
            let at = value.try_into().map_err(|_| StoreError::Row(table.into()))?;
            Ok(u64::from_be_bytes(at))
        })?;
    }
    let log = Key::new(Table::AccountDataLog).u64(user.0);
    forget_rows(a, &log.clone(), |key, _| KeyReader::after(key, &log).u64())?;
    forget_rows(a, &Key::new(Table::Backup).u64(user.0), |_, value| {
        decode::<BackupRow>(Table::Backup.into(), value).map(|row| row.created)
    })?;
    forget_rows(a, &Key::new(Table::BackupSession).u64(user.0), |_, value| {
        decode::<(u64, u32)>(Table::BackupSession.into(), value).map(|(position, _)| position)
    })?;
    let rooms = rooms_of(a, user)?;
    for room in &rooms {
        a.batch.put_u64(erased_key(*room), a.position().0);
    }
    forget_receipts(a, user, rooms)?;
    let rules = Key::new(Table::AccountData).u64(user.0).u64(0).str(PUSH_RULES);
    if a.batch.get_u64(&rules)?.is_none() {
        a.memory.rules.remove(&user);
    }
    Ok(())
}

/// Removes the rows that an entry left which cannot be read any more.
fn forget_rows(
    a: &mut Applying<'_>,
    prefix: &Key,
    position: impl Fn(&[u8], &[u8]) -> Result<u64, StoreError>,
) -> Result<(), StoreError> {
    let mut gone = Vec::new();
    for row in a.batch.prefix(prefix, Order::Forward) {
        let (key, value) = row?;
        if a.memory.bodies.get(LogPosition(position(&key, &value)?))?.is_none() {
            gone.push(key);
        }
    }
    for key in gone {
        a.batch.remove_raw(key);
    }
    Ok(())
}

/// Rooms that a person is or was in.
fn rooms_of(a: &Applying<'_>, user: StreamId) -> Result<Vec<StreamId>, StoreError> {
    let members = Key::new(Table::Member).u64(user.0);
    let mut rooms = Vec::new();
    for row in a.batch.prefix(&members, Order::Forward) {
        rooms.push(StreamId(KeyReader::after(&row?.0, &members).u64()?));
    }
    Ok(rooms)
}

fn erased_key(room: StreamId) -> Key {
    Key::new(Table::Erased).u64(room.0)
}

/// The latest order to erase somebody who is or was in a room; 0 where there is none.
pub(crate) fn erased_upto(rows: &impl Rows, room: StreamId) -> Result<LogPosition, StoreError> {
    Ok(LogPosition(rows.get_u64(&erased_key(room))?.unwrap_or(0)))
}

fn forget_receipts(
    a: &mut Applying<'_>,
    user: StreamId,
    rooms: Vec<StreamId>,
) -> Result<(), StoreError> {
    for room in rooms {
        let prefix = Key::new(Table::Receipt).u64(room.0).u64(user.0);
        let mut gone = Vec::new();
        for row in a.batch.prefix(&prefix, Order::Forward) {
            let (key, value) = row?;
            let at = decode::<ReceiptRow>(Table::Receipt.into(), &value)?.position;
            if a.memory.bodies.get(LogPosition(at))?.is_none() {
                gone.push((key, at));
            }
        }
        for (key, at) in gone {
            a.batch.remove_raw(key);
            a.batch.remove(Key::new(Table::ReceiptLog).u64(room.0).u64(at));
        }
    }
    Ok(())
}
