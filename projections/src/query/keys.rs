//! Public end-to-end encryption keys of local users.

use facts::{
    Fact, LogPosition, StreamId,
    fact::{NamedKey, SignatureTarget},
};

use super::Snapshot;
use crate::{
    client_view::{
        e2ee::{device_key, one_time_prefix, signature_prefix, usage_number},
        rows::FallbackRow,
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// What a cross-signing key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrossSigningUsage {
    /// Master key.
    Master,
    /// Self-signing key.
    SelfSigning,
    /// User-signing key; shown to its owner alone.
    UserSigning,
}

/// The identity keys of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKeysInfo {
    /// Device id.
    pub device_id: String,
    /// JSON of the `DeviceKeys` object, with the owner's added signatures not merged in yet.
    pub keys: Vec<u8>,
    /// Name of the device, for `unsigned`.
    pub display_name: Option<String>,
}

/// A key with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Algorithm and key id.
    pub id: String,
    /// JSON of the key.
    pub key: Vec<u8>,
}

/// A fallback key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FallbackKey {
    /// The key.
    pub key: StoredKey,
    /// It was handed out.
    pub used: bool,
}

impl Snapshot {
    /// The identity keys of one device.
    pub fn device_keys(
        &self,
        user: StreamId,
        device_id: &str,
    ) -> Result<Option<DeviceKeysInfo>, StoreError> {
        let key = device_key(Table::DeviceKeys, user, device_id);
        match self.rows.get_u64(&key)? {
            Some(position) => self.device_keys_at(user, LogPosition(position)),
            None => Ok(None),
        }
    }

    /// The identity keys of all devices of a user.
    pub fn all_device_keys(&self, user: StreamId) -> Result<Vec<DeviceKeysInfo>, StoreError> {
        let prefix = Key::new(Table::DeviceKeys).u64(user.0);
        let mut all = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let position = super::timeline::position_of(Table::DeviceKeys, &row?.1)?;
            all.extend(self.device_keys_at(user, position)?);
        }
        Ok(all)
    }

    fn device_keys_at(
        &self,
        user: StreamId,
        position: LogPosition,
    ) -> Result<Option<DeviceKeysInfo>, StoreError> {
        let Some(body) = self.body(position)? else {
            return Ok(None);
        };
        let Fact::DeviceKeysSet(set) = &body.fact else {
            return Ok(None);
        };
        Ok(Some(DeviceKeysInfo {
            device_id: set.device_id.clone(),
            keys: set.keys.clone(),
            display_name: self.device(user, &set.device_id)?.and_then(|device| device.display_name),
        }))
    }

    /// Number of one-time keys left, by algorithm.
    pub fn one_time_key_counts(
        &self,
        user: StreamId,
        device_id: &str,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let prefix = device_key(Table::OneTimeCount, user, device_id);
        self.rows
            .prefix(&prefix, Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let count = super::timeline::position_of(Table::OneTimeCount, &value)?;
                Ok((KeyReader::after(&key, &prefix).str()?, count.0))
            })
            .collect()
    }

    /// The next one-time key of an algorithm, for a claim that the write side then decides.
    pub fn next_one_time_key(
        &self,
        user: StreamId,
        device_id: &str,
        algorithm: &str,
    ) -> Result<Option<StoredKey>, StoreError> {
        let prefix = one_time_prefix(user, device_id).str(algorithm);
        let Some(row) = self.rows.prefix(&prefix, Order::Forward).next() else {
            return Ok(None);
        };
        let (_, position, index): (String, u64, u32) = decode(Table::OneTimeKey.into(), &row?.1)?;
        self.named_key(LogPosition(position), index)
    }

    /// The fallback key of an algorithm.
    pub fn fallback_key(
        &self,
        user: StreamId,
        device_id: &str,
        algorithm: &str,
    ) -> Result<Option<FallbackKey>, StoreError> {
        let key = device_key(Table::Fallback, user, device_id).str(algorithm);
        let Some(row) = self.rows.get_row::<FallbackRow>(&key)? else {
            return Ok(None);
        };
        Ok(self
            .named_key(LogPosition(row.position), row.index)?
            .map(|key| FallbackKey { key, used: row.used }))
    }

    /// Algorithms whose fallback key was not handed out (`device_unused_fallback_key_types`).
    pub fn unused_fallback_types(
        &self,
        user: StreamId,
        device_id: &str,
    ) -> Result<Vec<String>, StoreError> {
        let prefix = device_key(Table::Fallback, user, device_id);
        let mut unused = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward) {
            let (key, value) = row?;
            let fallback: FallbackRow = decode(Table::Fallback.into(), &value)?;
            if !fallback.used {
                unused.push(KeyReader::after(&key, &prefix).str()?);
            }
        }
        Ok(unused)
    }

    fn named_key(
        &self,
        position: LogPosition,
        index: u32,
    ) -> Result<Option<StoredKey>, StoreError> {
        let body = self.body(position)?;
        Ok(body.and_then(|body| {
            let keys: &[NamedKey] = match &body.fact {
                Fact::OneTimeKeysAdded(added) => &added.keys,
                Fact::FallbackKeysSet(set) => &set.keys,
                _ => return None,
            };
            let named = keys.get(usize::try_from(index).ok()?)?;
            Some(StoredKey { id: named.id.clone(), key: named.key.clone() })
        }))
    }

    /// JSON of a cross-signing key.
    pub fn cross_signing_key(
        &self,
        user: StreamId,
        usage: CrossSigningUsage,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = Key::new(Table::CrossSigning).u64(user.0).u8(usage_number(usage));
        let Some(position) = self.rows.get_u64(&key)? else {
            return Ok(None);
        };
        let body = self.body(LogPosition(position))?;
        Ok(body.and_then(|body| match &body.fact {
            Fact::CrossSigningKeysSet(set) => match usage {
                CrossSigningUsage::Master => set.master.clone(),
                CrossSigningUsage::SelfSigning => set.self_signing.clone(),
                CrossSigningUsage::UserSigning => set.user_signing.clone(),
            },
            _ => None,
        }))
    }

    /// JSON objects of signatures that were added to a key later, oldest first: those by the
    /// owner, and those by `viewer`, who alone sees the signatures that they made.
    pub fn added_signatures(
        &self,
        owner_id: &str,
        target: &SignatureTarget,
        owner: StreamId,
        viewer: Option<StreamId>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let prefix = signature_prefix(owner_id, target);
        let mut positions = Vec::new();
        for signer in [Some(owner), viewer.filter(|viewer| *viewer != owner)] {
            let Some(signer) = signer else { continue };
            let prefix = prefix.clone().u64(signer.0);
            for row in self.rows.prefix(&prefix, Order::Forward) {
                positions.push(KeyReader::after(&row?.0, &prefix).u64()?);
            }
        }
        positions.sort_unstable();
        let mut signatures = Vec::new();
        for position in positions {
            if let Some(body) = self.body(LogPosition(position))?
                && let Fact::SignaturesAdded(added) = &body.fact
            {
                signatures.push(added.signatures.clone());
            }
        }
        Ok(signatures)
    }
}
