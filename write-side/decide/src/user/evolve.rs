//! Applying facts to a person's fold.
//!
//! Owns the one way in which [`UserFold`] changes, live and on replay (I7). A fact that does not
//! concern the fold changes nothing; none is refused, for it has happened.

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{AccountDataSet, DevicesRemoved, NamedKey, SessionRefreshed},
};

use super::{
    Account, AccountDataKey, Device, FULLY_READ, FallbackKey, Fingerprint, OneTimeKey, Session,
    StoredJson, TokenPair, UserFold, one_time_keys::algorithm_of,
};
use crate::media::Reservation;

impl UserFold {
    /// Applies a fact of the person's stream.
    pub fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        let at = header.position;
        match fact {
            Fact::StreamOpened(opened) => self.user_id.clone_from(&opened.name),
            Fact::ReceiptSet(receipt) => {
                let replaced = self.receipts.set(receipt, at);
                self.supersede(replaced);
            }
            Fact::AccountDataSet(data) => self.account_data_set(data, at),
            Fact::FilterStored(filter) => {
                self.filters.insert(filter.filter_id.clone(), at);
            }
            Fact::MediaReserved(media) => Reservation::open(&mut self.reservations, media, header),
            Fact::MediaStored(media) => Reservation::complete(&mut self.reservations, media),
            _ => {
                self.evolve_account(at, fact);
                self.evolve_device(at, header.recorded_at, fact);
                self.evolve_keys(at, fact);
                let gone = self.backups.evolve(at, fact);
                for position in gone {
                    self.superseded.add(position);
                }
            }
        }
    }

    fn supersede(&mut self, position: Option<LogPosition>) {
        if let Some(position) = position {
            self.superseded.add(position);
        }
    }

    fn evolve_account(&mut self, at: LogPosition, fact: &Fact) {
        match fact {
            Fact::AccountCreated(created) => {
                self.account = Some(Account {
                    kind: created.kind,
                    admin: created.admin,
                    deactivated: false,
                    password_hash: None,
                    password_at: None,
                });
            }
            Fact::ProfileFieldSet(field) => {
                let value = field.value.as_deref().map(|value| stored(value, at));
                let replaced = match value {
                    Some(value) => self.profile.insert(field.field.clone(), value),
                    None => self.profile.remove(&field.field),
                };
                self.supersede(replaced.map(|old| old.at));
            }
            Fact::AccountDeactivated(deactivated) => {
                self.evolve_credentials(at, fact);
                if deactivated.erase {
                    for field in std::mem::take(&mut self.profile).into_values() {
                        self.superseded.add(field.at);
                    }
                }
            }
            _ => self.evolve_credentials(at, fact),
        }
    }

    fn evolve_credentials(&mut self, at: LogPosition, fact: &Fact) {
        let Some(account) = &mut self.account else {
            return;
        };
        let mut replaced = None;
        match fact {
            Fact::AdminChanged(changed) => account.admin = changed.admin,
            Fact::PasswordSet(password) => {
                replaced = account.password_at.replace(at);
                account.password_hash = Some(password.hash.clone());
            }
            Fact::AccountDeactivated(_) => {
                replaced = account.password_at.take();
                account.password_hash = None;
                account.deactivated = true;
                account.admin = false;
            }
            _ => {}
        }
        self.supersede(replaced);
    }

    fn account_data_set(&mut self, data: &AccountDataSet, at: LogPosition) {
        let key = AccountDataKey { room: data.room.clone(), data_type: data.data_type.clone() };
        if let (Some(room), FULLY_READ) = (&data.room, data.data_type.as_str()) {
            let event_id = data.content.as_deref().and_then(event_id_of);
            match event_id {
                Some(event_id) => self.fully_read.insert(room.clone(), event_id),
                None => self.fully_read.remove(room),
            };
        }
        let replaced = match data.content {
            Some(_) => self.account_data.insert(key, at),
            None => self.account_data.remove(&key),
        };
        self.supersede(replaced);
    }

    fn evolve_device(&mut self, at: LogPosition, recorded_at: Timestamp, fact: &Fact) {
        match fact {
            Fact::DeviceAdded(added) => {
                let device = Device {
                    display_name: added.display_name.clone(),
                    added_at: at,
                    created: recorded_at,
                    ..Device::default()
                };
                self.devices.insert(added.device_id.clone(), device);
            }
            Fact::DevicesRemoved(removed) => self.devices_removed(removed),
            Fact::DeviceRenamed(renamed) => {
                let Some(device) = self.devices.get_mut(&renamed.device_id) else {
                    return;
                };
                device.display_name.clone_from(&renamed.display_name);
                let replaced = device.renamed_at.replace(at);
                self.supersede(replaced);
            }
            Fact::SessionOpened(opened) => {
                let Some(device) = self.devices.get_mut(&opened.device_id) else {
                    return;
                };
                let current = TokenPair {
                    access: opened.access_hash,
                    access_expires_at: opened.access_expires_at,
                    refresh: opened.refresh_hash,
                    at,
                };
                let session = Session { current, previous: None };
                let replaced = device.session.replace(session);
                self.session_ended(replaced);
            }
            Fact::SessionRefreshed(refreshed) => self.session_refreshed(refreshed, at),
            Fact::DeviceSeen(seen) => self.device_seen(&seen.device_id, seen.at),
            _ => {}
        }
    }

    fn session_refreshed(&mut self, fact: &SessionRefreshed, at: LogPosition) {
        let Some(session) =
            self.devices.get_mut(&fact.device_id).and_then(|device| device.session.as_mut())
        else {
            return;
        };
        let current = TokenPair {
            access: fact.access_hash,
            access_expires_at: fact.access_expires_at,
            refresh: Some(fact.refresh_hash),
            at,
        };
        let left = std::mem::replace(&mut session.current, current);
        let replaced = if left.refresh == Some(fact.used_refresh_hash) {
            session.previous.replace(left).map(|pair| pair.at)
        } else {
            // The client used the older refresh token again: it never got the pair that it left.
            Some(left.at)
        };
        self.supersede(replaced);
    }

    fn device_seen(&mut self, device_id: &str, at: Timestamp) {
        let Some(device) = self.devices.get_mut(device_id) else {
            return;
        };
        device.last_seen = Some(at);
        // Written for the current token alone while an older pair is valid (`mark_seen`), so it
        // says that the client has the new pair.
        let previous = device.session.as_mut().and_then(|session| session.previous.take());
        self.supersede(previous.map(|pair| pair.at));
    }

    fn session_ended(&mut self, session: Option<Session>) {
        if let Some(session) = session {
            self.superseded.add(session.current.at);
            self.supersede(session.previous.map(|pair| pair.at));
        }
    }

    fn devices_removed(&mut self, removed: &DevicesRemoved) {
        for device_id in &removed.device_ids {
            let Some(device) = self.devices.remove(device_id) else {
                continue;
            };
            self.superseded.add(device.added_at);
            self.supersede(device.renamed_at);
            self.session_ended(device.session);
            self.supersede(device.keys.map(|keys| keys.at));
            for keys in device.one_time_keys.into_values() {
                let mut last = None;
                for key in &keys.waiting {
                    if last.replace(key.at) != Some(key.at) {
                        self.superseded.add(key.at);
                    }
                }
                self.supersede(keys.fallback.map(|key| key.at));
            }
        }
    }

    fn evolve_keys(&mut self, at: LogPosition, fact: &Fact) {
        match fact {
            Fact::DeviceKeysSet(set) => {
                let Some(device) = self.devices.get_mut(&set.device_id) else {
                    return;
                };
                let replaced = device.keys.replace(stored(&set.keys, at));
                self.supersede(replaced.map(|keys| keys.at));
            }
            Fact::OneTimeKeysAdded(added) => {
                self.one_time_keys_added(&added.device_id, &added.keys, at);
            }
            Fact::OneTimeKeyClaimed(claimed) => {
                let emptied = self
                    .keys_of(&claimed.device_id, &claimed.key_id)
                    .and_then(|keys| keys.remove(&claimed.key_id));
                self.supersede(emptied);
            }
            Fact::FallbackKeysSet(set) => self.fallback_keys_set(&set.device_id, &set.keys, at),
            Fact::FallbackKeyUsed(used) => {
                if let Some(key) = self
                    .keys_of(&used.device_id, &used.key_id)
                    .and_then(|keys| keys.fallback.as_mut())
                    .filter(|key| key.id == used.key_id)
                {
                    key.used = true;
                }
            }
            Fact::CrossSigningKeysSet(set) => {
                let cross = &mut self.cross_signing;
                let places = [
                    (&mut cross.master, &set.master),
                    (&mut cross.self_signing, &set.self_signing),
                    (&mut cross.user_signing, &set.user_signing),
                ];
                for (place, new) in places {
                    if let Some(new) = new {
                        *place = Some(stored(new, at));
                    }
                }
            }
            _ => {}
        }
    }

    fn one_time_keys_added(&mut self, device_id: &str, added: &[NamedKey], at: LogPosition) {
        for key in added {
            if let Some(keys) = self.keys_of(device_id, &key.id) {
                keys.waiting.push_back(OneTimeKey {
                    id: key.id.clone(),
                    fingerprint: Fingerprint::of_json(&key.key),
                    at,
                });
            }
        }
    }

    fn fallback_keys_set(&mut self, device_id: &str, set: &[NamedKey], at: LogPosition) {
        for key in set {
            let Some(keys) = self.keys_of(device_id, &key.id) else {
                continue;
            };
            let replaced = keys.fallback.replace(FallbackKey {
                id: key.id.clone(),
                fingerprint: Fingerprint::of_json(&key.key),
                at,
                used: false,
            });
            self.supersede(replaced.map(|key| key.at));
        }
    }

    fn keys_of(&mut self, device_id: &str, key_id: &str) -> Option<&mut super::OneTimeKeys> {
        let algorithm = algorithm_of(key_id)?;
        let device = self.devices.get_mut(device_id)?;
        Some(device.one_time_keys.entry(algorithm.to_owned()).or_default())
    }
}

fn stored(json: &[u8], at: LogPosition) -> StoredJson {
    StoredJson { json: String::from_utf8_lossy(json).into_owned(), at }
}

fn event_id_of(content: &[u8]) -> Option<String> {
    let content: serde_json::Value = serde_json::from_slice(content).ok()?;
    Some(content.get("event_id")?.as_str()?.to_owned())
}
