//! Messages that wait for devices.

use facts::{StreamId, fact::ToDeviceAcknowledged};

use super::{applying::Applying, table::Table};
use crate::store::{Key, Order, Rows, StoreError};

pub(super) fn queued(a: &mut Applying<'_>) -> Result<(), StoreError> {
    let inbox = a.stream();
    let position = a.position().0;
    a.batch.put(Key::new(Table::Inbox).u64(inbox.0).u64(position), []);
    let owner = Key::new(Table::InboxOwner).u64(inbox.0);
    if let Some(user) = a.batch.get_u64(&owner)? {
        a.touch(StreamId(user));
    }
    Ok(())
}

pub(super) fn acknowledged(
    a: &mut Applying<'_>,
    acknowledged: &ToDeviceAcknowledged,
) -> Result<(), StoreError> {
    let prefix = Key::new(Table::Inbox).u64(a.stream().0);
    let end = prefix.clone().u64(acknowledged.through.0.saturating_add(1));
    clear(a, &prefix, end.as_bytes())
}

/// Drops everything that waits in an inbox.
pub(super) fn purge(a: &mut Applying<'_>, inbox: StreamId) -> Result<(), StoreError> {
    let prefix = Key::new(Table::Inbox).u64(inbox.0);
    let end = prefix.after_prefix();
    clear(a, &prefix, &end)
}

fn clear(a: &mut Applying<'_>, from: &Key, end: &[u8]) -> Result<(), StoreError> {
    let keys = a
        .batch
        .iterate(from.as_bytes(), end, Order::Forward)
        .map(|row| row.map(|(key, _)| key))
        .collect::<Result<Vec<_>, _>>()?;
    for key in keys {
        a.batch.remove_raw(key);
    }
    Ok(())
}
