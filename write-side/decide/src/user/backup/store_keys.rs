//! Storing keys in the current backup version (`PUT /room_keys/keys…`).

use std::collections::BTreeMap;

use facts::{
    Fact,
    fact::{BackupKeysStored, BackupSession},
};

use super::SessionRank;
use crate::user::{Decision, UserFold, UserRefusal};

/// One request stores at most this many sessions.
pub const BACKUP_SESSIONS_MAX: usize = 10_000;
/// All sessions of one request are at most this many bytes; they go into one batch.
pub const BACKUP_REQUEST_BYTES_MAX: usize = 900 * 1024;
/// A fact holds at most this many bytes of sessions, well below the bound of a part.
const FACT_BYTES_MAX: usize = 256 * 1024;
/// One session is at most this many bytes.
const SESSION_BYTES_MAX: usize = 64 * 1024;

/// Decides which sessions are stored: those that beat what is there.
pub fn store_backup_keys(fold: &UserFold, version: u64, sessions: &[BackupSession]) -> Decision {
    let (current, backup) =
        fold.backups.current().ok_or(UserRefusal::NotFound("backup version"))?;
    if current != version {
        return Err(UserRefusal::WrongBackupVersion { current });
    }
    if sessions.len() > BACKUP_SESSIONS_MAX {
        return Err(UserRefusal::TooLarge("the backup request"));
    }
    // The last of several for one session id that beats the others wins, as if stored in turn.
    let mut winners: BTreeMap<(&str, &str), (SessionRank, &BackupSession)> = BTreeMap::new();
    let mut total = 0;
    for session in sessions {
        total += bytes(session);
        if bytes(session) > SESSION_BYTES_MAX || total > BACKUP_REQUEST_BYTES_MAX {
            return Err(UserRefusal::TooLarge("the backup request"));
        }
        let rank = SessionRank::of(&session.data).ok_or(UserRefusal::BadJson("a session"))?;
        let key = (session.room.as_str(), session.session_id.as_str());
        let stored = backup.sessions.get(key.0).and_then(|room| room.get(key.1));
        let best = winners.get(&key).map(|(rank, _)| *rank);
        let best = best.or(stored.map(|(rank, _)| *rank));
        if best.is_none_or(|best| rank.beats(best)) {
            winners.insert(key, (rank, session));
        }
    }
    Ok(facts_of(version, winners.into_values().map(|(_, session)| session)))
}

fn bytes(session: &BackupSession) -> usize {
    session.room.len() + session.session_id.len() + session.data.len()
}

fn facts_of<'a>(version: u64, winners: impl Iterator<Item = &'a BackupSession>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut sessions: Vec<BackupSession> = Vec::new();
    let mut held = 0;
    for session in winners {
        if held + bytes(session) > FACT_BYTES_MAX {
            let sessions = std::mem::take(&mut sessions);
            facts.push(BackupKeysStored { version, sessions }.into());
            held = 0;
        }
        held += bytes(session);
        sessions.push(session.clone());
    }
    if !sessions.is_empty() {
        facts.push(BackupKeysStored { version, sessions }.into());
    }
    facts
}
