//! Server-side key backups.

use facts::fact::{
    BackupKeysDeleted, BackupKeysStored, BackupVersionCreated, BackupVersionDeleted,
    BackupVersionUpdated,
};

use super::{applying::Applying, rows::BackupRow, table::Table};
use crate::store::{Key, Order, Rows, StoreError};

fn version_key(a: &Applying<'_>, version: u64) -> Key {
    Key::new(Table::Backup).u64(a.stream().0).u64(version)
}

fn sessions_prefix(a: &Applying<'_>, version: u64) -> Key {
    Key::new(Table::BackupSession).u64(a.stream().0).u64(version)
}

pub(super) fn created(a: &mut Applying<'_>, created: &BackupVersionCreated) {
    let position = a.position().0;
    let row = BackupRow { created: position, updated: position, etag: 0, count: 0, deleted: false };
    let key = version_key(a, created.version);
    a.batch.put_row(key, &row);
}

fn change(
    a: &mut Applying<'_>,
    version: u64,
    change: impl FnOnce(&mut BackupRow, u64),
) -> Result<(), StoreError> {
    let key = version_key(a, version);
    if let Some(mut row) = a.batch.get_row::<BackupRow>(&key)? {
        change(&mut row, a.position().0);
        a.batch.put_row(key, &row);
    }
    Ok(())
}

pub(super) fn updated(
    a: &mut Applying<'_>,
    updated: &BackupVersionUpdated,
) -> Result<(), StoreError> {
    change(a, updated.version, |row, position| row.updated = position)
}

pub(super) fn deleted(
    a: &mut Applying<'_>,
    deleted: &BackupVersionDeleted,
) -> Result<(), StoreError> {
    let prefix = sessions_prefix(a, deleted.version);
    remove_all(a, &prefix)?;
    change(a, deleted.version, |row, _| {
        row.deleted = true;
        row.count = 0;
    })
}

pub(super) fn keys_stored(
    a: &mut Applying<'_>,
    stored: &BackupKeysStored,
) -> Result<(), StoreError> {
    let position = a.position().0;
    let mut new = 0;
    for (index, session) in stored.sessions.iter().enumerate() {
        let key = sessions_prefix(a, stored.version).str(&session.room).str(&session.session_id);
        if a.batch.get(key.as_bytes())?.is_none() {
            new += 1;
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        a.batch.put_row(key, &(position, index));
    }
    change(a, stored.version, |row, _| {
        row.count += new;
        row.etag += 1;
    })
}

pub(super) fn keys_deleted(
    a: &mut Applying<'_>,
    deleted: &BackupKeysDeleted,
) -> Result<(), StoreError> {
    let mut prefix = sessions_prefix(a, deleted.version);
    if let Some(room) = &deleted.room {
        prefix = prefix.str(room);
        if let Some(session_id) = &deleted.session_id {
            prefix = prefix.str(session_id);
        }
    }
    let gone = remove_all(a, &prefix)?;
    change(a, deleted.version, |row, _| {
        row.count = row.count.saturating_sub(gone);
        row.etag += 1;
    })
}

/// One person's backup is bounded by the write side, so this is too.
fn remove_all(a: &mut Applying<'_>, prefix: &Key) -> Result<u64, StoreError> {
    let keys = a
        .batch
        .prefix(prefix, Order::Forward)
        .map(|row| row.map(|(key, _)| key))
        .collect::<Result<Vec<_>, _>>()?;
    let count = keys.len() as u64;
    for key in keys {
        a.batch.remove_raw(key);
    }
    Ok(count)
}
