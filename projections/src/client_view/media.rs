//! Media ids.

use facts::fact::{MediaReserved, MediaStored};

use super::{applying::Applying, rows::MediaRow, table::Table};
use crate::store::{Key, Rows, StoreError};

pub(super) fn reserved(a: &mut Applying<'_>, reserved: &MediaReserved) -> Result<(), StoreError> {
    let key = Key::new(Table::Media).str(&reserved.media_id);
    let known: Option<MediaRow> = a.batch.get_row(&key)?;
    let row = MediaRow {
        user: a.stream().0,
        reserved: Some(a.position().0),
        expires_at: Some(reserved.expires_at),
        stored: known.and_then(|row| row.stored),
        at: a.recorded_at(),
    };
    a.batch.put_row(key, &row);
    Ok(())
}

pub(super) fn stored(a: &mut Applying<'_>, stored: &MediaStored) -> Result<(), StoreError> {
    let key = Key::new(Table::Media).str(&stored.media_id);
    let known: Option<MediaRow> = a.batch.get_row(&key)?;
    let row = MediaRow {
        user: a.stream().0,
        reserved: known.and_then(|row| row.reserved),
        expires_at: None,
        stored: Some(a.position().0),
        at: a.recorded_at(),
    };
    a.batch.put_row(key, &row);
    Ok(())
}
