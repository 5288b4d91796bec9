//! The log that is backed up, in the process that has it open.
//!
//! Owns what only that process can say: where the log ends durably, what is signed, and a copy of
//! the keyring in which no destruction is half done.

use std::{path::Path, sync::Arc};

use event_log::{Keyring, KeyringCopy, KeyringError, Log, SystemRandom, ledger::Ledger};
use facts::LogPosition;
use serde::{Deserialize, Serialize};

use super::{BackupRefusal, LockTerms};

/// Where a log stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupPoint {
    /// Its identity, in hexadecimal.
    pub(crate) log_id: String,
    /// Whose it is.
    pub(crate) server_name: String,
    /// Its incarnation.
    pub(crate) incarnation: u32,
    /// Its last durable entry, which ends a write.
    pub(crate) head: LogPosition,
    /// The last checkpoint, over nothing that is behind the head.
    pub(crate) checkpoint: Option<String>,
    /// How long objects of it are to be locked, as far as whoever has the log open knows.
    #[serde(default)]
    pub(crate) lock: LockTerms,
}

/// An open log.
#[derive(Clone)]
pub(crate) struct LiveLog {
    pub(crate) log: Arc<Log>,
    pub(crate) ledger: Arc<Ledger>,
}

impl LiveLog {
    /// Where it stands now. Blocks while a checkpoint is signed.
    pub(crate) fn point(&self) -> BackupPoint {
        if let Err(error) = self.ledger.step() {
            // The checkpoint before serves as well; that nothing is signed shows elsewhere.
            tracing::warn!(%error, "no checkpoint was signed for a backup");
        }
        // In this order: the checkpoint covers nothing that the head does not.
        let checkpoint = self.ledger.published().note.to_string();
        BackupPoint {
            log_id: self.log.log_id().to_string(),
            server_name: self.log.options().server_name.clone(),
            incarnation: self.log.incarnation().0,
            head: self.log.head(),
            checkpoint: Some(checkpoint),
            lock: LockTerms::default(),
        }
    }

    /// Where its closed segments end, with a checkpoint over just that; `None` without any.
    pub(crate) fn closed_point(&self) -> anyhow::Result<Option<BackupPoint>> {
        let Some(head) = self.log.closed_through() else { return Ok(None) };
        let end = head.0 + 1;
        if self.ledger.published().checkpoint.size < end {
            self.ledger.step()?;
        }
        let extract = self.ledger.extract(0, end)?;
        let checkpoint = extract.map(|extract| extract.checkpoint.to_string());
        Ok(Some(BackupPoint {
            log_id: self.log.log_id().to_string(),
            server_name: self.log.options().server_name.clone(),
            incarnation: self.log.incarnation().0,
            head,
            checkpoint,
            lock: LockTerms::default(),
        }))
    }

    /// Writes a copy of the keyring into a directory that has none. Blocks.
    pub(crate) fn copy_keyring(&self, dir: &Path) -> anyhow::Result<KeyringCopy> {
        self.log.copy_keyring(dir).map_err(|error| keyring_unwritten(dir, error))
    }
}

/// Why a keyring was not written into a directory, with the directory.
pub(super) fn keyring_unwritten(dir: &Path, error: KeyringError) -> anyhow::Error {
    match error {
        KeyringError::Step { source, .. } => BackupRefusal::unwritten(dir)(source).into(),
        other => anyhow::Error::new(other)
            .context(format!("the keyring cannot be written to {}", dir.display())),
    }
}

/// The keyring in a directory, for reading alone.
pub(crate) fn read_keyring(dir: &Path) -> Result<Option<Keyring>, event_log::KeyringError> {
    let log_id = Keyring::log_id_in(dir)?;
    log_id.map(|id| Keyring::open_read_only(dir, id, Arc::new(SystemRandom))).transpose()
}
