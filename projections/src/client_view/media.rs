//! Media ids, and what refers to them.
//!
//! Owns the index of references from events and profiles to media of this server. Encrypted events
//! hide theirs, and so do those whose content was destroyed before the view was built.

use facts::{
    LogPosition,
    fact::{MediaReserved, MediaStored, ProfileFieldSet},
};
use serde_json::Value;

use super::{applying::Applying, rows::MediaRow, table::Table};
use crate::{
    bodies::EventBody,
    store::{Key, Rows, StoreError},
};

const SCHEME: &str = "mxc://";
/// Media that one event refers to; further ones are not followed.
const REFERENCES_MAX: usize = 100;

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

/// Notes which media an event that is shown refers to.
pub(super) fn referred_by_event(a: &mut Applying<'_>, event: LogPosition, body: &EventBody) {
    if !body.may_name_media() {
        return;
    }
    let mut found = Vec::new();
    if let Some(content) = body.full().get("content") {
        find(content, &a.memory.server_name, &mut found);
    }
    for media_id in found {
        a.batch.put(Key::new(Table::MediaReference).str(&media_id).u64(event.0), []);
    }
}

/// Notes which medium a field of a profile refers to.
pub(super) fn referred_by_profile(a: &mut Applying<'_>, field: &ProfileFieldSet) {
    let value = field.value.as_deref().and_then(|value| serde_json::from_slice(value).ok());
    let Some(value): Option<Value> = value else { return };
    let mut found = Vec::new();
    find(&value, &a.memory.server_name, &mut found);
    let position = a.position().0;
    for media_id in found {
        a.batch.put(Key::new(Table::MediaReference).str(&media_id).u64(position), []);
    }
}

/// Media ids of this server in every string of a value. Events are nested less deep than the
/// stack bears: whatever parsed them has a limit.
fn find(value: &Value, server_name: &str, found: &mut Vec<String>) {
    if found.len() >= REFERENCES_MAX {
        return;
    }
    match value {
        Value::String(text) => {
            let path = text.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/'));
            if let Some((server, media_id)) = path
                && server == server_name
                && !media_id.is_empty()
            {
                found.push(media_id.to_owned());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, server_name, found)),
        Value::Object(fields) => fields.values().for_each(|item| find(item, server_name, found)),
        _ => {}
    }
}
