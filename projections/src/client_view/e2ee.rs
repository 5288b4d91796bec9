//! Public keys, one-time keys, signatures, and whose device list changed.

use facts::{
    StreamId,
    fact::{
        CrossSigningKeysSet, DeviceKeysSet, FallbackKeyUsed, FallbackKeysSet, OneTimeKeyClaimed,
        OneTimeKeysAdded, SignatureTarget, SignaturesAdded,
    },
};

use super::{
    applying::Applying,
    lookup::stream_name,
    recent::Change,
    rows::{FallbackRow, MemberRow, Membership},
    table::Table,
};
use crate::{
    query::CrossSigningUsage,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// One-time keys of one device that are removed with it, at most.
const KEYS_MAX: usize = 100_000;

pub(crate) fn device_key(table: Table, user: StreamId, device_id: &str) -> Key {
    Key::new(table).u64(user.0).str(device_id)
}

pub(crate) fn one_time_prefix(user: StreamId, device_id: &str) -> Key {
    device_key(Table::OneTimeKey, user, device_id)
}

pub(crate) fn usage_number(usage: CrossSigningUsage) -> u8 {
    match usage {
        CrossSigningUsage::Master => 1,
        CrossSigningUsage::SelfSigning => 2,
        CrossSigningUsage::UserSigning => 3,
    }
}

pub(crate) fn signature_prefix(owner_id: &str, target: &SignatureTarget) -> Key {
    let (kind, name) = match target {
        SignatureTarget::Device(device_id) => (1, device_id),
        SignatureTarget::CrossSigning(key) => (2, key),
    };
    Key::new(Table::Signature).str(owner_id).u8(kind).str(name)
}

/// The algorithm of a key id (`signed_curve25519:AAAAHQ`).
fn algorithm(key_id: &str) -> &str {
    key_id.split_once(':').map_or(key_id, |(algorithm, _)| algorithm)
}

pub(super) fn has_device_keys(a: &mut Applying<'_>, device_id: &str) -> Result<bool, StoreError> {
    let key = device_key(Table::DeviceKeys, a.stream(), device_id);
    Ok(a.batch.get(key.as_bytes())?.is_some())
}

pub(super) fn device_keys(a: &mut Applying<'_>, set: &DeviceKeysSet) -> Result<(), StoreError> {
    let position = a.position().0;
    a.batch.put_u64(device_key(Table::DeviceKeys, a.stream(), &set.device_id), position);
    device_list_changed(a)
}

pub(super) fn one_time_keys(
    a: &mut Applying<'_>,
    added: &OneTimeKeysAdded,
) -> Result<(), StoreError> {
    let user = a.stream();
    let position = a.position().0;
    for (index, named) in added.keys.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let by_id = device_key(Table::OneTimeKeyById, user, &added.device_id).str(&named.id);
        if a.batch.get(by_id.as_bytes())?.is_some() {
            continue;
        }
        // Keys are handed out in the order of upload.
        let mut order = position.to_be_bytes().to_vec();
        order.extend_from_slice(&index.to_be_bytes());
        let key = one_time_prefix(user, &added.device_id).str(algorithm(&named.id)).raw(&order);
        a.batch.put_row(key, &(&named.id, position, index));
        a.batch.put(by_id, order);
        count(a, &added.device_id, algorithm(&named.id), 1)?;
    }
    a.touch(user);
    Ok(())
}

pub(super) fn one_time_key_claimed(
    a: &mut Applying<'_>,
    claimed: &OneTimeKeyClaimed,
) -> Result<(), StoreError> {
    let user = a.stream();
    let by_id = device_key(Table::OneTimeKeyById, user, &claimed.device_id).str(&claimed.key_id);
    let Some(order) = a.batch.get(by_id.as_bytes())? else {
        return Ok(());
    };
    let key = one_time_prefix(user, &claimed.device_id).str(algorithm(&claimed.key_id)).raw(&order);
    a.batch.remove(key);
    a.batch.remove(by_id);
    count(a, &claimed.device_id, algorithm(&claimed.key_id), -1)?;
    a.touch(user);
    Ok(())
}

fn count(
    a: &mut Applying<'_>,
    device_id: &str,
    algorithm: &str,
    change: i64,
) -> Result<(), StoreError> {
    let key = device_key(Table::OneTimeCount, a.stream(), device_id).str(algorithm);
    let count = a.batch.get_u64(&key)?.unwrap_or(0);
    a.batch.put_u64(key, count.saturating_add_signed(change));
    Ok(())
}

pub(super) fn fallback_keys(a: &mut Applying<'_>, set: &FallbackKeysSet) {
    let user = a.stream();
    let position = a.position().0;
    for (index, named) in set.keys.iter().enumerate() {
        let row = FallbackRow {
            key_id: named.id.clone(),
            position,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            used: false,
        };
        let key = device_key(Table::Fallback, user, &set.device_id).str(algorithm(&named.id));
        a.batch.put_row(key, &row);
    }
    a.touch(user);
}

pub(super) fn fallback_key_used(
    a: &mut Applying<'_>,
    handed_out: &FallbackKeyUsed,
) -> Result<(), StoreError> {
    let user = a.stream();
    let key =
        device_key(Table::Fallback, user, &handed_out.device_id).str(algorithm(&handed_out.key_id));
    if let Some(mut row) = a.batch.get_row::<FallbackRow>(&key)?
        && row.key_id == handed_out.key_id
    {
        row.used = true;
        a.batch.put_row(key, &row);
    }
    a.touch(user);
    Ok(())
}

pub(super) fn cross_signing_keys(
    a: &mut Applying<'_>,
    set: &CrossSigningKeysSet,
) -> Result<(), StoreError> {
    let user = a.stream();
    let position = a.position().0;
    for (usage, key) in [
        (CrossSigningUsage::Master, &set.master),
        (CrossSigningUsage::SelfSigning, &set.self_signing),
        (CrossSigningUsage::UserSigning, &set.user_signing),
    ] {
        if key.is_some() {
            let key = Key::new(Table::CrossSigning).u64(user.0).u8(usage_number(usage));
            a.batch.put_u64(key, position);
        }
    }
    device_list_changed(a)
}

pub(super) fn signatures(a: &mut Applying<'_>, added: &SignaturesAdded) -> Result<(), StoreError> {
    let signer = a.stream();
    let key = signature_prefix(&added.user_id, &added.target).u64(signer.0).u64(a.position().0);
    a.batch.put(key, []);
    if stream_name(a.batch, signer)?.is_some_and(|name| name == added.user_id) {
        return device_list_changed(a);
    }
    // A signature over another person's key is seen by the signer alone, whose other devices
    // have to ask for that person's keys again.
    if let Some(owner) = a.user(&added.user_id)? {
        let key = Key::new(Table::SignedByUser).u64(signer.0).u64(a.position().0);
        a.batch.put_u64(key, owner.0);
        a.changed(Change::Signed(signer));
    }
    a.touch(signer);
    Ok(())
}

/// Removes the keys of a device; true if it had identity keys.
pub(super) fn remove_device(a: &mut Applying<'_>, device_id: &str) -> Result<bool, StoreError> {
    let user = a.stream();
    let keys = device_key(Table::DeviceKeys, user, device_id);
    let had_keys = a.batch.get(keys.as_bytes())?.is_some();
    a.batch.remove(keys);
    for table in [Table::OneTimeKey, Table::OneTimeKeyById, Table::OneTimeCount, Table::Fallback] {
        let prefix = device_key(table, user, device_id);
        if !a.batch.remove_prefix(&prefix, KEYS_MAX)? {
            return Err(StoreError::Bound);
        }
    }
    Ok(had_keys)
}

/// The devices or keys of the entry's person changed: everybody who shares a room has to know.
pub(super) fn device_list_changed(a: &mut Applying<'_>) -> Result<(), StoreError> {
    let user = a.stream();
    let position = a.position().0;
    a.batch.put_u64(Key::new(Table::DeviceList).u64(user.0), position);
    a.touch(user);
    let prefix = Key::new(Table::Member).u64(user.0);
    let mut rooms = Vec::new();
    for row in a.batch.prefix(&prefix, Order::Forward) {
        let (key, value) = row?;
        let member = MemberRow::decode(&value).ok_or(StoreError::Row(Table::Member.into()))?;
        if member.membership == Membership::Join {
            rooms.push(StreamId(KeyReader::after(&key, &prefix).u64()?));
        }
    }
    for room in rooms {
        let key = Key::new(Table::DeviceListLog).u64(room.0).u64(position);
        a.batch.put_u64(key, user.0);
        a.changed(Change::DeviceLists(room));
        let mut row = a.room_row(room)?;
        a.moved(room, &mut row);
        a.touch_members(room)?;
    }
    Ok(())
}
