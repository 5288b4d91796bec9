//! Putting single objects beside an off-site copy, and what that copy says of itself.
//!
//! Owns their form (a sealed order, a signed checkpoint) and that a name is put once: it has the
//! SHA-256, so that what is there under it is the same. When to put which is the shipper's.

use std::fs;

use anyhow::Result;
use event_log::SealedOrder;
use facts::LogPosition;

use super::{
    BackupPoint, Place,
    beside::{BesideKind, BesideName},
    digest,
    manifest::Kind,
    s3::S3Store,
    store::Store as _,
    target::{check, read_manifest},
};

/// An off-site copy that is put to.
pub(crate) struct Shipping {
    store: S3Store,
}

/// What an off-site copy has by its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShippedLog {
    /// Its last entry.
    pub(crate) head: LogPosition,
    /// For how many days its objects were locked.
    pub(crate) locked_days: u32,
    /// A legal hold is on its objects.
    pub(crate) held: bool,
    /// When it was made, in milliseconds since the Unix epoch.
    pub(crate) taken_at: u64,
}

impl Shipping {
    /// Opens a place to put to at this time. Refuses a bucket that does not lock.
    pub(crate) fn open(place: &Place, now: u64) -> Result<Self> {
        Ok(Self { store: place.locking(now)? })
    }

    /// What is there; `None` where nothing is. Refuses what is no older copy of this log.
    pub(crate) fn shipped(&self, point: &BackupPoint) -> Result<Option<ShippedLog>> {
        let Some(manifest) = read_manifest(&self.store)? else { return Ok(None) };
        check(&manifest, Kind::Log, point, &self.store.name())?;
        Ok(Some(ShippedLog {
            head: manifest.about.head,
            locked_days: manifest.about.locked_days.unwrap_or(0),
            held: manifest.files.values().any(|entry| entry.held),
            taken_at: manifest.about.taken_at,
        }))
    }

    /// Puts an order, unless it is there.
    pub(crate) fn put_order(&mut self, order: &SealedOrder) -> Result<()> {
        let (incarnation, at) = (order.incarnation.0, order.position.0);
        self.put(BesideKind::Order, incarnation, at, &order.frame)
    }

    /// Puts a checkpoint over so many entries, unless it is there.
    pub(crate) fn put_checkpoint(&mut self, incarnation: u32, size: u64, note: &str) -> Result<()> {
        self.put(BesideKind::Checkpoint, incarnation, size, note.as_bytes())
    }

    fn put(&mut self, kind: BesideKind, incarnation: u32, at: u64, bytes: &[u8]) -> Result<()> {
        let name = BesideName { kind, incarnation, at, sha256: digest::of_bytes(bytes) };
        let seen = digest::Seen { bytes: bytes.len() as u64, sha256: name.sha256.clone() };
        let name = name.to_string();
        // A crash behind the put left it there, asked about or not.
        if self.store.has_beside(&name, &seen)? {
            return Ok(());
        }
        let staged = self.store.staging().join("beside");
        digest::write(&staged, bytes)?;
        self.store.put_beside(&staged, &name)?;
        Ok(fs::remove_file(staged)?)
    }
}
