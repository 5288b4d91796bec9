//! Devices and their tokens.

use facts::{
    StreamId, Timestamp,
    fact::{
        DeviceAdded, DeviceRenamed, DeviceSeen, DevicesRemoved, SessionOpened, SessionRefreshed,
        StreamKind,
    },
};

use super::{
    applying::Applying,
    e2ee, inbox,
    lookup::{stream_name, stream_of},
    rows::{AccessRow, DeviceRow, TokenPair, TokensRow},
    table::Table,
};
use crate::store::{Key, Rows, StoreError};

fn key_of(table: Table, user: StreamId, device_id: &str) -> Key {
    Key::new(table).u64(user.0).str(device_id)
}

pub(super) fn added(a: &mut Applying<'_>, added: &DeviceAdded) {
    let row = DeviceRow {
        display_name: added.display_name.clone(),
        added: a.position().0,
        seen_at: None,
        seen: None,
    };
    let key = key_of(Table::Device, a.stream(), &added.device_id);
    a.batch.put_row(key, &row);
}

fn change(
    a: &mut Applying<'_>,
    device_id: &str,
    change: impl FnOnce(&mut DeviceRow),
) -> Result<(), StoreError> {
    let key = key_of(Table::Device, a.stream(), device_id);
    if let Some(mut row) = a.batch.get_row::<DeviceRow>(&key)? {
        change(&mut row);
        a.batch.put_row(key, &row);
    }
    Ok(())
}

pub(super) fn renamed(a: &mut Applying<'_>, renamed: &DeviceRenamed) -> Result<(), StoreError> {
    change(a, &renamed.device_id, |row| {
        row.display_name.clone_from(&renamed.display_name);
    })?;
    // The name is shown to others with the keys.
    if e2ee::has_device_keys(a, &renamed.device_id)? {
        e2ee::device_list_changed(a)?;
    }
    Ok(())
}

pub(super) fn seen(a: &mut Applying<'_>, seen: &DeviceSeen) -> Result<(), StoreError> {
    let position = a.position().0;
    // Written for the newest pair of tokens alone: it is in use, so the older ones end.
    let tokens: Option<TokensRow> =
        a.batch.get_row(&key_of(Table::Tokens, a.stream(), &seen.device_id))?;
    if let Some(newest) = tokens.as_ref().and_then(|tokens| tokens.pairs.last()) {
        let newest = newest.access;
        end_tokens(a, &seen.device_id, |pair| pair.access != newest)?;
    }
    change(a, &seen.device_id, |row| {
        row.seen_at = Some(seen.at);
        row.seen = Some(position);
    })
}

pub(super) fn removed(a: &mut Applying<'_>, removed: &DevicesRemoved) -> Result<(), StoreError> {
    let user = a.stream();
    let user_id = stream_name(a.batch, user)?.unwrap_or_default();
    let mut had_keys = false;
    for device_id in &removed.device_ids {
        end_tokens(a, device_id, |_| true)?;
        a.batch.remove(key_of(Table::Tokens, user, device_id));
        a.batch.remove(key_of(Table::Device, user, device_id));
        had_keys |= e2ee::remove_device(a, device_id)?;
        let name = format!("{user_id} {device_id}");
        if let Some(of) = stream_of(a.batch, StreamKind::DeviceInbox, &name)? {
            inbox::purge(a, of)?;
        }
    }
    if had_keys {
        e2ee::device_list_changed(a)?;
    }
    // A waiting sync of a removed device has to find out.
    a.touch(user);
    Ok(())
}

pub(super) fn session_opened(
    a: &mut Applying<'_>,
    opened: &SessionOpened,
) -> Result<(), StoreError> {
    end_tokens(a, &opened.device_id, |_| true)?;
    let pair = TokenPair { access: opened.access_hash, refresh: opened.refresh_hash };
    begin_tokens(a, &opened.device_id, pair, opened.access_expires_at)
}

pub(super) fn session_refreshed(
    a: &mut Applying<'_>,
    refreshed: &SessionRefreshed,
) -> Result<(), StoreError> {
    // Using a refresh token proves that its pair arrived, so all other pairs end.
    end_tokens(a, &refreshed.device_id, |pair| pair.refresh != Some(refreshed.used_refresh_hash))?;
    let pair = TokenPair { access: refreshed.access_hash, refresh: Some(refreshed.refresh_hash) };
    begin_tokens(a, &refreshed.device_id, pair, refreshed.access_expires_at)
}

fn begin_tokens(
    a: &mut Applying<'_>,
    device_id: &str,
    pair: TokenPair,
    expires_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let user = a.stream();
    let access = AccessRow {
        user: user.0,
        device_id: device_id.to_owned(),
        expires_at,
        since: a.position().0,
    };
    a.batch.put_row(Key::new(Table::Access).raw(&pair.access), &access);
    if let Some(refresh) = &pair.refresh {
        a.batch.put_row(Key::new(Table::Refresh).raw(refresh), &(user.0, device_id));
    }
    let key = key_of(Table::Tokens, user, device_id);
    let mut tokens: TokensRow = a.batch.get_row(&key)?.unwrap_or_default();
    tokens.pairs.push(pair);
    a.batch.put_row(key, &tokens);
    Ok(())
}

/// Ends the pairs of a device that `ends` takes.
fn end_tokens(
    a: &mut Applying<'_>,
    device_id: &str,
    ends: impl Fn(&TokenPair) -> bool,
) -> Result<(), StoreError> {
    let key = key_of(Table::Tokens, a.stream(), device_id);
    let mut tokens: TokensRow = a.batch.get_row(&key)?.unwrap_or_default();
    let (ended, kept) = tokens.pairs.into_iter().partition(ends);
    tokens.pairs = kept;
    let ended: Vec<TokenPair> = ended;
    for pair in ended {
        a.batch.remove(Key::new(Table::Access).raw(&pair.access));
        if let Some(refresh) = &pair.refresh {
            a.batch.remove(Key::new(Table::Refresh).raw(refresh));
        }
    }
    a.batch.put_row(key, &tokens);
    Ok(())
}
