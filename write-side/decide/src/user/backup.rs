//! Server-side key backups: their fold and the commands on them.
//!
//! Owns versions, counts, etags and the rule by which one backed-up session replaces another.

mod create_version;
mod delete_keys;
mod delete_version;
mod store_keys;
mod update_version;

use std::collections::{BTreeMap, BTreeSet};

use facts::{
    Fact, LogPosition,
    fact::{BackupKeysDeleted, BackupKeysStored},
};
use serde::{Deserialize, Serialize};

pub use self::{
    create_version::create_backup_version,
    delete_keys::delete_backup_keys,
    delete_version::delete_backup_version,
    store_keys::{BACKUP_REQUEST_BYTES_MAX, BACKUP_SESSIONS_MAX, store_backup_keys},
    update_version::update_backup_version,
};
use super::UserRefusal;

/// What decides whether a session replaces another (client-server API, "Server-side key
/// backups").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRank {
    /// The device that stored it had verified the sender's device.
    pub is_verified: bool,
    /// Index of the first message that it opens.
    pub first_message_index: u64,
    /// How often it was forwarded.
    pub forwarded_count: u64,
}

impl SessionRank {
    /// Reads the rank from the JSON of `KeyBackupData`; `None` where a field is missing.
    pub fn of(data: &[u8]) -> Option<Self> {
        serde_json::from_slice(data).ok()
    }

    /// Whether this one replaces `other`.
    pub fn beats(self, other: Self) -> bool {
        let order =
            |rank: Self| (!rank.is_verified, rank.first_message_index, rank.forwarded_count);
        order(self) < order(other)
    }
}

/// One version of the backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupVersion {
    /// Backup algorithm.
    pub algorithm: String,
    /// The entry that holds `auth_data`.
    pub auth_data_at: LogPosition,
    /// Raised with every change of keys.
    pub etag: u64,
    /// Room id → session id → its rank and the entry that holds it.
    pub sessions: BTreeMap<String, BTreeMap<String, (SessionRank, LogPosition)>>,
}

impl BackupVersion {
    /// How many sessions are stored.
    pub fn count(&self) -> u64 {
        self.sessions.values().map(|room| room.len() as u64).sum()
    }

    fn entries(&self) -> BTreeSet<LogPosition> {
        let sessions = self.sessions.values().flat_map(BTreeMap::values);
        sessions.map(|(_, at)| *at).collect()
    }
}

/// All versions of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// The highest version that ever was.
    pub last_version: u64,
    /// Versions that exist.
    pub versions: BTreeMap<u64, BackupVersion>,
}

impl Backups {
    /// The version in use: the newest.
    pub fn current(&self) -> Option<(u64, &BackupVersion)> {
        let (version, backup) = self.versions.last_key_value()?;
        Some((*version, backup))
    }

    /// A version that exists.
    pub fn version(&self, version: u64) -> Result<&BackupVersion, UserRefusal> {
        self.versions.get(&version).ok_or(UserRefusal::NotFound("backup version"))
    }

    /// Applies a fact; gives the entries in which nothing is left that counts.
    pub(super) fn evolve(&mut self, at: LogPosition, fact: &Fact) -> Vec<LogPosition> {
        match fact {
            Fact::BackupVersionCreated(created) => {
                self.last_version = self.last_version.max(created.version);
                let backup = BackupVersion {
                    algorithm: created.algorithm.clone(),
                    auth_data_at: at,
                    ..BackupVersion::default()
                };
                self.versions.insert(created.version, backup);
                Vec::new()
            }
            Fact::BackupVersionUpdated(updated) => {
                let backup = self.versions.get_mut(&updated.version);
                backup
                    .map(|backup| std::mem::replace(&mut backup.auth_data_at, at))
                    .into_iter()
                    .collect()
            }
            Fact::BackupVersionDeleted(deleted) => {
                let Some(backup) = self.versions.remove(&deleted.version) else {
                    return Vec::new();
                };
                let mut gone = backup.entries();
                gone.insert(backup.auth_data_at);
                gone.into_iter().collect()
            }
            Fact::BackupKeysStored(stored) => self.stored(stored, at),
            Fact::BackupKeysDeleted(deleted) => self.deleted(deleted),
            _ => Vec::new(),
        }
    }

    fn stored(&mut self, fact: &BackupKeysStored, at: LogPosition) -> Vec<LogPosition> {
        let Some(backup) = self.versions.get_mut(&fact.version) else {
            return Vec::new();
        };
        let mut touched = BTreeSet::new();
        for session in &fact.sessions {
            let Some(rank) = SessionRank::of(&session.data) else {
                continue;
            };
            let room = backup.sessions.entry(session.room.clone()).or_default();
            if let Some((_, old)) = room.insert(session.session_id.clone(), (rank, at)) {
                touched.insert(old);
            }
        }
        backup.etag += 1;
        emptied(backup, touched)
    }

    fn deleted(&mut self, fact: &BackupKeysDeleted) -> Vec<LogPosition> {
        let Some(backup) = self.versions.get_mut(&fact.version) else {
            return Vec::new();
        };
        let mut touched = BTreeSet::new();
        backup.sessions.retain(|room, sessions| {
            if fact.room.as_ref().is_some_and(|only| only != room) {
                return true;
            }
            sessions.retain(|session_id, (_, at)| {
                let kept = fact.session_id.as_ref().is_some_and(|only| only != session_id);
                if !kept {
                    touched.insert(*at);
                }
                kept
            });
            !sessions.is_empty()
        });
        backup.etag += 1;
        emptied(backup, touched)
    }
}

/// Which of the touched entries hold no session any more.
fn emptied(backup: &BackupVersion, mut touched: BTreeSet<LogPosition>) -> Vec<LogPosition> {
    if !touched.is_empty() {
        for (_, at) in backup.sessions.values().flat_map(BTreeMap::values) {
            touched.remove(at);
        }
    }
    touched.into_iter().collect()
}
