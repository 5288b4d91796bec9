//! Account data, profiles and filters.

use facts::fact::{AccountDataSet, FilterStored, ProfileFieldSet};

use super::{applying::Applying, push::PUSH_RULES, recent::Change, table::Table};
use crate::store::{Key, Rows, StoreError};

pub(super) fn set(a: &mut Applying<'_>, data: &AccountDataSet) -> Result<(), StoreError> {
    let user = a.stream();
    let position = a.position().0;
    let room = match &data.room {
        // Data of a room that the log has no stream for cannot be shown with any room.
        Some(room_id) => match a.room(room_id)? {
            Some(room) => room.0,
            None => return Ok(()),
        },
        None => 0,
    };
    let key = Key::new(Table::AccountData).u64(user.0).u64(room).str(&data.data_type);
    if let Some(old) = a.batch.get_u64(&key)? {
        a.batch.remove(Key::new(Table::AccountDataLog).u64(user.0).u64(old));
    }
    a.batch.put_u64(key, position);
    let mut value = room.to_be_bytes().to_vec();
    value.extend_from_slice(data.data_type.as_bytes());
    a.batch.put(Key::new(Table::AccountDataLog).u64(user.0).u64(position), value);
    a.changed(Change::AccountData(user));
    if room == 0 && data.data_type == PUSH_RULES {
        a.memory.rules.remove(&user);
    }
    a.touch(user);
    Ok(())
}

pub(super) fn profile_field(a: &mut Applying<'_>, field: &ProfileFieldSet) {
    let key = Key::new(Table::Profile).u64(a.stream().0).str(&field.field);
    if field.value.is_some() {
        let position = a.position().0;
        a.batch.put_u64(key, position);
    } else {
        a.batch.remove(key);
    }
}

pub(super) fn filter(a: &mut Applying<'_>, filter: &FilterStored) {
    let key = Key::new(Table::Filter).u64(a.stream().0).str(&filter.filter_id);
    let position = a.position().0;
    a.batch.put_u64(key, position);
}
