//! Names of streams, aliases and the public directory.

use facts::{
    StreamId,
    fact::{AliasSet, RoomPublished, StreamKind, StreamOpened},
};

use super::{
    applying::Applying,
    lookup::{kind_number, stream_name},
    rows::AliasRow,
    table::Table,
};
use crate::store::{Key, Rows, StoreError};

pub(super) fn stream_opened(a: &mut Applying<'_>, opened: &StreamOpened) {
    let kind = kind_number(opened.kind);
    let stream = a.stream();
    let mut value = vec![kind];
    value.extend_from_slice(opened.name.as_bytes());
    a.batch.put(Key::new(Table::StreamName).u64(stream.0), value);
    a.batch.put_u64(Key::new(Table::StreamByName).u8(kind).str(&opened.name), stream.0);
    // A user id holds no space, so the first one parts it from the device id.
    if opened.kind == StreamKind::DeviceInbox
        && let Some((user_id, _)) = opened.name.split_once(' ')
        && let Ok(Some(StreamId(user))) = a.user(user_id)
    {
        a.batch.put_u64(Key::new(Table::InboxOwner).u64(stream.0), user);
    }
}

pub(super) fn published(a: &mut Applying<'_>, published: &RoomPublished) {
    let key = Key::new(Table::Published).u64(a.stream().0);
    if published.public {
        let position = a.position().0;
        a.batch.put_u64(key, position);
    } else {
        a.batch.remove(key);
    }
}

pub(super) fn alias_set(a: &mut Applying<'_>, set: &AliasSet) -> Result<(), StoreError> {
    let Some(alias) = stream_name(a.batch, a.stream())? else {
        return Ok(());
    };
    alias_removed(a)?;
    let row =
        AliasRow { room: set.room.clone(), creator: set.creator.clone(), position: a.position().0 };
    a.batch.put_row(Key::new(Table::Alias).str(&alias), &row);
    a.batch.put(Key::new(Table::RoomAlias).str(&set.room).str(&alias), []);
    Ok(())
}

pub(super) fn alias_removed(a: &mut Applying<'_>) -> Result<(), StoreError> {
    let Some(alias) = stream_name(a.batch, a.stream())? else {
        return Ok(());
    };
    let key = Key::new(Table::Alias).str(&alias);
    if let Some(old) = a.batch.get_row::<AliasRow>(&key)? {
        a.batch.remove(Key::new(Table::RoomAlias).str(&old.room).str(&alias));
        a.batch.remove(key);
    }
    Ok(())
}
