//! The keyring: epochs and what is left of their key trees, durable and destroyable.
//!
//! Owns the keyring in memory and decides when it is rewritten. Invariants: I6; I3 in small (an
//! epoch is used, and a destruction reported, only when the rewritten keyring is durable).
//! Never decides what to destroy: whoever calls [`Keyring::destroy`] has the order in the log.

mod copy;
mod error;
mod format;
mod rewrite;
#[cfg(test)]
mod tests;

pub use copy::KeyringCopy;
pub use error::KeyringError;
pub use format::{FileFault, KEYRING_BYTES_MAX};
pub use rewrite::Step;

use std::{path::Path, sync::Arc};

use facts::{KeyEpoch, LogId, LogPosition, Timestamp, TreeId};
use parking_lot::{Mutex, RwLock};

use self::{
    format::{Contents, EPOCHS_MAX, Epoch, Prefix},
    rewrite::{BeforeStep, KeysDir},
};
use super::{
    KeyRange,
    node::{LeafKey, NODE_BYTES, Node},
    path_cache::PathCache,
    tree::EpochTree,
};
use crate::random::Random;

/// Ranges taken by one call of [`Keyring::destroy`].
pub const RANGES_MAX: usize = 100_000;

/// A keyring that is rewritten while it is read is read anew this often in all.
const LOAD_TRIES_MAX: u32 = 8;

const DAY_MS: u64 = 86_400_000;

/// The keys of one log. Shared by readers and the writer; every method takes `&self`.
///
/// Methods that change it wait for the disk: call them where blocking is allowed. Reading waits
/// for memory only. Two processes must not share a keyring; the lease on the log sees to that.
pub struct Keyring {
    log_id: LogId,
    random: Arc<dyn Random>,
    contents: RwLock<Contents>,
    paths: PathCache,
    disk: Mutex<Disk>,
}

/// The side that writes; whoever holds its lock makes the next generation.
struct Disk {
    dir: KeysDir,
    /// The highest generation that was ever begun, whether or not it became durable.
    generation: u64,
    /// As it stands in the durable keyring.
    applied_through: LogPosition,
    /// Opened beside whoever may write.
    read_only: bool,
}

impl Keyring {
    /// Makes the keyring of a new log, with epoch 1 open. Durable when it returns.
    pub fn create(
        dir: &Path,
        log_id: LogId,
        now: Timestamp,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeyringError> {
        Self::create_with(dir, log_id, now, random, Box::new(|_| Ok(())))
    }

    /// As [`Self::create`]; `before` is told each step, and fails it.
    pub(crate) fn create_with(
        dir: &Path,
        log_id: LogId,
        now: Timestamp,
        random: Arc<dyn Random>,
        before: BeforeStep,
    ) -> Result<Self, KeyringError> {
        let dir = KeysDir::new(dir, before);
        dir.make()?;
        if dir.prefix()?.is_some() {
            return Err(KeyringError::AlreadyExists);
        }
        let contents =
            Contents { applied_through: LogPosition(0), epochs: vec![fresh_epoch(now, &*random)] };
        // A crash while creating leaves keys of no keyring: go on above them, then they go.
        let generation = dir.last_generation()?;
        let keyring = Self::assemble(log_id, random, contents, dir, generation);
        keyring.rewrite(&mut keyring.disk.lock(), None)?;
        Ok(keyring)
    }

    /// Opens the keyring of a log and removes what an interrupted rewrite left.
    ///
    /// The caller then executes every `ShredOrdered` after [`Self::applied_through`], before the
    /// first read.
    pub fn open(dir: &Path, log_id: LogId, random: Arc<dyn Random>) -> Result<Self, KeyringError> {
        Self::open_with(dir, log_id, random, Box::new(|_| Ok(())))
    }

    /// As [`Self::open`]; `before` is told each step, and fails it.
    pub(crate) fn open_with(
        dir: &Path,
        log_id: LogId,
        random: Arc<dyn Random>,
        before: BeforeStep,
    ) -> Result<Self, KeyringError> {
        let dir = KeysDir::new(dir, before);
        let (contents, generation) = dir.load(log_id)?;
        dir.keep_to_owner(generation)?;
        dir.discard_all_but(generation)?;
        Ok(Self::assemble(log_id, random, contents, dir, generation))
    }

    /// Opens the keyring for reading alone, beside a running server: removes nothing, changes no
    /// file, and refuses to open an epoch or to destroy.
    ///
    /// It holds what could be opened at this moment, whatever is destroyed later: for tools that
    /// run for a short time.
    pub fn open_read_only(
        dir: &Path,
        log_id: LogId,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeyringError> {
        let dir = KeysDir::new(dir, Box::new(|_| Ok(())));
        let mut tries = 1;
        let (contents, generation) = loop {
            match dir.load(log_id) {
                // A rewrite may have come between reading the keyring and reading its key.
                Err(fault) if fault.may_be_a_rewrite() && tries < LOAD_TRIES_MAX => tries += 1,
                other => break other?,
            }
        };
        let keyring = Self::assemble(log_id, random, contents, dir, generation);
        keyring.disk.lock().read_only = true;
        Ok(keyring)
    }

    /// The log whose keyring is in a directory, `None` if there is none. Needs no key.
    ///
    /// A crash between making the keyring and making the log leaves the former alone; whoever
    /// then makes the log takes its identity from here.
    pub fn log_id_in(dir: &Path) -> Result<Option<LogId>, KeyringError> {
        let prefix = KeysDir::new(dir, Box::new(|_| Ok(()))).prefix()?;
        Ok(prefix.map(|prefix| prefix.log_id))
    }

    fn assemble(
        log_id: LogId,
        random: Arc<dyn Random>,
        contents: Contents,
        dir: KeysDir,
        generation: u64,
    ) -> Self {
        Self {
            log_id,
            random,
            disk: Mutex::new(Disk {
                dir,
                generation,
                applied_through: contents.applied_through,
                read_only: false,
            }),
            contents: RwLock::new(contents),
            paths: PathCache::default(),
        }
    }

    /// The log that these keys open.
    pub fn log_id(&self) -> LogId {
        self.log_id
    }

    /// Position of the last `ShredOrdered` whose destruction is durable here; 0 for none.
    pub fn applied_through(&self) -> LogPosition {
        self.disk.lock().applied_through
    }

    /// The generation of the keyring: how often it was rewritten.
    pub fn generation(&self) -> u64 {
        self.disk.lock().generation
    }

    /// The epoch under which new entries are sealed. Its root is durable.
    pub fn epoch_for_sealing(&self) -> KeyEpoch {
        self.contents.read().newest().0
    }

    /// True if the newest epoch is at least `every_days` old, so that another is to be opened.
    pub fn epoch_due(&self, now: Timestamp, every_days: u32) -> bool {
        let contents = self.contents.read();
        if contents.epochs.len() == EPOCHS_MAX {
            // The last one serves for ever: better than to refuse every append.
            return false;
        }
        let opened_at = contents.newest().1.opened_at;
        now.0.saturating_sub(opened_at.0) >= u64::from(every_days) * DAY_MS
    }

    /// Opens the next epoch. Its root is durable, and only then visible, when this returns.
    pub fn open_epoch(&self, now: Timestamp) -> Result<KeyEpoch, KeyringError> {
        let mut disk = self.disk.lock();
        if disk.read_only {
            return Err(KeyringError::ReadOnly);
        }
        if self.contents.read().epochs.len() == EPOCHS_MAX {
            return Err(KeyringError::TooManyEpochs);
        }
        let epoch = fresh_epoch(now, &*self.random);
        self.rewrite(&mut disk, Some(&epoch))?;
        let mut contents = self.contents.write();
        contents.epochs.push(epoch);
        Ok(contents.newest().0)
    }

    /// The key of a leaf; `None` if it is destroyed or its epoch is not open.
    pub fn leaf(&self, epoch: KeyEpoch, tree: TreeId, leaf: u32) -> Option<LeafKey> {
        // Held to the end: a destruction must not slip in between deriving and caching.
        let contents = self.contents.read();
        let index = usize::try_from(epoch.0.checked_sub(1)?).ok()?;
        let held = contents.epochs.get(index)?;
        self.paths.leaf((epoch, tree), leaf, &held.tree)
    }

    /// Destroys ranges of leaves, all in one rewrite. When it returns, nothing that is left here
    /// can derive them, in memory or in the files.
    ///
    /// The order must be durable in the log, at `applied_through`: the keys go from memory at
    /// once, also if the rewrite then fails. In that case call it again, or start again.
    pub fn destroy(
        &self,
        ranges: &[KeyRange],
        applied_through: LogPosition,
    ) -> Result<(), KeyringError> {
        if ranges.len() > RANGES_MAX {
            return Err(KeyringError::TooManyRanges(ranges.len()));
        }
        if !ranges.iter().all(KeyRange::is_ordered) {
            return Err(KeyringError::BadRange);
        }
        let mut disk = self.disk.lock();
        if disk.read_only {
            return Err(KeyringError::ReadOnly);
        }
        {
            let mut contents = self.contents.write();
            for range in ranges {
                contents.destroy(range);
                self.wipe_paths(range, contents.epochs.len());
            }
            contents.applied_through = contents.applied_through.max(applied_through);
        }
        self.rewrite(&mut disk, None)
    }

    fn wipe_paths(&self, range: &KeyRange, epochs: usize) {
        for number in (1u32..).take(epochs) {
            if (range.epoch_first.0..=range.epoch_last.0).contains(&number) {
                self.paths.wipe((KeyEpoch(number), TreeId(range.tree)));
            }
        }
    }

    fn rewrite(&self, disk: &mut Disk, opening: Option<&Epoch>) -> Result<(), KeyringError> {
        let (clear, applied_through) = {
            let contents = self.contents.read();
            (contents.encode(opening), contents.applied_through)
        };
        // Counted before it is tried: a generation that failed is never written again, so its
        // files cannot be taken for those of a later attempt.
        disk.generation += 1;
        let prefix = Prefix { log_id: self.log_id, generation: disk.generation };
        disk.dir.replace(prefix, clear, &*self.random)?;
        disk.applied_through = applied_through;
        Ok(())
    }
}

fn fresh_epoch(opened_at: Timestamp, random: &dyn Random) -> Epoch {
    let mut root = [0; NODE_BYTES];
    random.fill(&mut root);
    let tree = EpochTree::new(Node::from_bytes(root));
    zeroize::Zeroize::zeroize(&mut root);
    Epoch { opened_at, tree }
}
