//! A copy of the keyring: for a backup, and out of one.
//!
//! Owns that a copy is a keyring of its own, under a wrapping key that nothing else has: the files
//! of the original are rewritten at any time, and a copy of them could be of two generations. What
//! is destroyed while a copy is made is gone from it before it is written.
//! Invariants: I6.

use std::path::Path;

use facts::{KeyEpoch, LogPosition};

use super::{
    KeyRange, Keyring, KeyringError,
    format::{Contents, Prefix},
    rewrite::KeysDir,
};

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyringCopy {
    /// Its generation, which is the original's.
    pub generation: u64,
    /// Its newest key epoch.
    pub newest_epoch: KeyEpoch,
    /// Position of the last order whose destruction it knows; 0 for none.
    pub applied_through: LogPosition,
}

impl Keyring {
    /// Writes what is held at this moment as a keyring in `dir`, which must have none. Durable
    /// when this returns; a crash before leaves files of no keyring, to be removed.
    pub fn copy_to(&self, dir: &Path) -> Result<KeyringCopy, KeyringError> {
        self.copy_without(dir, &[], None)
    }

    /// The same without what `destroyed` says, which is never written, and for a log that ends at
    /// `ends_at`: orders behind that position are not known there, whatever the original knows.
    pub fn copy_without(
        &self,
        dir: &Path,
        destroyed: &[KeyRange],
        ends_at: Option<LogPosition>,
    ) -> Result<KeyringCopy, KeyringError> {
        if !destroyed.iter().all(KeyRange::is_ordered) {
            return Err(KeyringError::BadRange);
        }
        // Held to the end: nothing is destroyed here while it is written there.
        let disk = self.disk.lock();
        let clear = self.contents.read().encode(None);
        let mut contents = Contents::decode(&clear).map_err(KeyringError::Damaged)?;
        drop(clear);
        for range in destroyed {
            contents.destroy(range);
        }
        if let Some(end) = ends_at {
            contents.applied_through = contents.applied_through.min(end);
        }
        let target = KeysDir::new(dir, Box::new(|_| Ok(())));
        target.make()?;
        if target.prefix()?.is_some() {
            return Err(KeyringError::AlreadyExists);
        }
        let generation = disk.generation.max(target.last_generation()? + 1);
        let prefix = Prefix { log_id: self.log_id, generation };
        target.replace(prefix, contents.encode(None), &*self.random)?;
        Ok(KeyringCopy {
            generation,
            newest_epoch: contents.newest().0,
            applied_through: contents.applied_through,
        })
    }

    /// The log ends at `end` and goes on from there: orders behind it are forgotten, though what
    /// they destroyed stays destroyed. Without this an order that later gets one of their
    /// positions would pass for carried out. Durable when it returns.
    pub fn forget_orders_after(&self, end: LogPosition) -> Result<(), KeyringError> {
        let mut disk = self.disk.lock();
        if disk.read_only {
            return Err(KeyringError::ReadOnly);
        }
        {
            let mut contents = self.contents.write();
            if contents.applied_through <= end {
                return Ok(());
            }
            contents.applied_through = end;
        }
        self.rewrite(&mut disk, None)
    }
}
