//! The follower that keeps the tree and signs.
//!
//! Owns the tree's growth, its comparison with what was signed before, and the order of steps:
//! hashes are written without sync; now and then they are synced and the state says so; a
//! checkpoint is signed over what the files hold, made durable, and only then given out.
//!
//! A crash after hashes were written leaves more of them than the state says, and they are written
//! again as they were (I12); one after a sync and before the state leaves an older state; one
//! around the checkpoint is described at [`LastCheckpoint::write`].

use std::{path::PathBuf, sync::Arc};

use facts::{FactBody as _, LogPosition, fact};

use super::{
    LedgerError,
    checkpoint::{Checkpoint, Origin},
    key_file::KeyFiles,
    last_checkpoint::{LastCheckpoint, Signed},
    ledger_dir,
    levels::Levels,
    merkle::{consistency_ranges, leaf_hash, verify_consistency},
    note::{Note, NoteSigner, VerifierKey},
    state::State,
    stated_key::{KEYS_MAX, StatedKey},
    tree::Tree,
};
use crate::{Entry, Log, RawEntry};

/// Entries read at once.
const READ_ENTRIES: usize = 8_192;
/// And bytes.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// The files are synced after this many entries: a start reads no more than these again.
const SYNC_ENTRIES: u64 = 1 << 17;

/// The writing half of the ledger.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(super) log: Arc<Log>,
    pub(super) origin: Origin,
    dir: PathBuf,
    levels: Arc<Levels>,
    pub(super) key_files: KeyFiles,
    last_file: LastCheckpoint,
    last: Option<Signed>,
    /// `None` after a fault: to be opened again at what is synced.
    tree: Option<Tree>,
    synced: u64,
    pub(super) keys: Vec<StatedKey>,
    pub(super) signer: Option<NoteSigner>,
}

impl Follower {
    /// Opens the tree, brings it up to the head and holds it against the last checkpoint.
    pub(super) fn open(log: Arc<Log>) -> Result<Self, LedgerError> {
        let options = log.options();
        let origin = Origin {
            server_name: options.server_name.clone(),
            log_id: log.log_id(),
            incarnation: log.incarnation(),
        };
        let last_file = LastCheckpoint::new(&options.keys_dir);
        let last = last_file.read()?;
        if let Some(last) = &last {
            refuse_older_copy(&log, &origin, &last.checkpoint, &last_file)?;
        }
        let dir = ledger_dir(&options.data_dir);
        let mut follower = Self {
            levels: Arc::new(Levels::open(&dir)?),
            key_files: KeyFiles::new(&options.keys_dir),
            dir,
            origin,
            last_file,
            last,
            tree: None,
            synced: 0,
            keys: Vec::new(),
            signer: None,
            log,
        };
        follower.resume()?;
        follower.catch_up()?;
        if !matches!(follower.contradicts_last(), Ok(false)) {
            tracing::warn!("the ledger's tree does not lead to the last checkpoint; made anew");
            follower.start_over();
            follower.catch_up()?;
        }
        follower.trust_last()?;
        Ok(follower)
    }

    pub(super) fn levels(&self) -> Arc<Levels> {
        Arc::clone(&self.levels)
    }

    pub(super) fn keys(&self) -> &[StatedKey] {
        &self.keys
    }

    /// Leaves in the tree.
    pub(super) fn size(&self) -> u64 {
        self.tree.as_ref().map_or(self.synced, Tree::size)
    }

    /// Takes up the files where the state left them, if they are of this log.
    fn resume(&mut self) -> Result<(), LedgerError> {
        let found = State::read(&self.dir);
        let Some(state) = found.filter(|state| state.origin == self.origin.to_string()) else {
            State::remove(&self.dir)?;
            self.levels.clear()?;
            return Ok(());
        };
        let entries = self.log.head().0 + 1;
        if state.size > entries {
            return Err(LedgerError::RolledBack { expected: state.size, found: entries });
        }
        // Files that are too short fail to be read; that is no reason to refuse a start.
        if self.levels.root(state.size).is_ok_and(|root| root == state.root) {
            self.synced = state.size;
            self.keys = state.keys;
        }
        Ok(())
    }

    /// The next [`Self::catch_up`] writes every hash again.
    pub(super) fn start_over(&mut self) {
        self.tree = None;
        self.synced = 0;
    }

    /// Adds everything durable to the tree.
    pub(super) fn catch_up(&mut self) -> Result<(), LedgerError> {
        if self.log.incarnation() != self.origin.incarnation {
            return Err(LedgerError::Forked);
        }
        let mut tree = match self.tree.take() {
            Some(tree) => tree,
            None => self.open_tree()?,
        };
        loop {
            let next = LogPosition(tree.size());
            let entries = self.log.read_raw_range(next, READ_ENTRIES, READ_BYTES)?;
            if entries.is_empty() {
                break;
            }
            let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(&entry.digest)).collect();
            for entry in entries.iter().filter(|entry| states_key(entry)) {
                self.note_key(entry.header.position)?;
            }
            tree.append(&leaves)?;
            if tree.size() - self.synced >= SYNC_ENTRIES {
                self.sync_to(tree.size())?;
            }
        }
        self.tree = Some(tree);
        Ok(())
    }

    fn open_tree(&mut self) -> Result<Tree, LedgerError> {
        self.keys.retain(|key| key.position.0 < self.synced);
        Ok(Tree::open_at(Arc::clone(&self.levels), self.synced)?)
    }

    fn note_key(&mut self, position: LogPosition) -> Result<(), LedgerError> {
        let entry = self.log.read(position)?;
        let stated = entry.as_ref().map(Entry::fact).transpose();
        let stated = stated.map_err(|error| LedgerError::KeyFact(position, Some(error)))?.flatten();
        let Some(facts::Fact::LedgerKeySet(stated)) = stated else {
            return Err(LedgerError::KeyFact(position, None));
        };
        if self.keys.len() >= KEYS_MAX {
            return Err(LedgerError::TooManyKeys);
        }
        let key = StatedKey::of(position, &stated);
        self.keys.push(key.map_err(|_| LedgerError::KeyFact(position, None))?);
        Ok(())
    }

    /// Brings the files onto the medium, and says so.
    pub(super) fn sync(&mut self) -> Result<(), LedgerError> {
        let size = self.size();
        if size > self.synced { self.sync_to(size) } else { Ok(()) }
    }

    fn sync_to(&mut self, size: u64) -> Result<(), LedgerError> {
        self.levels.sync()?;
        let state = State {
            origin: self.origin.to_string(),
            size,
            root: self.levels.root(size)?,
            keys: self.keys.clone(),
        };
        state.write(&self.dir)?;
        self.synced = size;
        Ok(())
    }

    fn contradicts_last(&self) -> Result<bool, LedgerError> {
        match self.last_of_this_log() {
            Some(last) => Ok(self.levels.root(last.checkpoint.size)? != last.checkpoint.root),
            None => Ok(false),
        }
    }

    /// The last checkpoint, if it is of this incarnation: one of an earlier incarnation covers
    /// entries that were given up, and binds nobody.
    fn last_of_this_log(&self) -> Option<&Signed> {
        let origin = self.origin.to_string();
        self.last.as_ref().filter(|last| last.checkpoint.origin == origin)
    }

    /// The last checkpoint must be our own word before anything is held against it.
    fn trust_last(&self) -> Result<(), LedgerError> {
        let Some(last) = self.last_of_this_log() else {
            return Ok(());
        };
        let keys: Vec<VerifierKey> = self.keys.iter().map(|stated| stated.key.clone()).collect();
        if last.note.verify(&keys).is_err() {
            return Err(self.last_file.damaged());
        }
        if self.contradicts_last()? {
            return Err(LedgerError::Inconsistent(last.checkpoint.size));
        }
        Ok(())
    }

    /// A checkpoint over the whole tree, durable when this returns. The one signed before, where
    /// nothing was added since. The tree is made anew before it is believed to contradict what
    /// was signed: its files may be at fault.
    pub(super) fn sign(&mut self) -> Result<Signed, LedgerError> {
        match self.sign_once() {
            Err(error) if error.may_be_the_trees() => {
                tracing::warn!(?error, "the ledger's tree is made anew");
                self.start_over();
                self.catch_up()?;
                self.sign_once()
            }
            other => other,
        }
    }

    fn sign_once(&mut self) -> Result<Signed, LedgerError> {
        let signer = self.signer.take().expect("the key is settled before anything is signed");
        let signed = self.sign_with(&[&signer]);
        self.signer = Some(signer);
        signed
    }

    pub(super) fn sign_with(&mut self, signers: &[&NoteSigner]) -> Result<Signed, LedgerError> {
        let size = self.size();
        let checkpoint = Checkpoint {
            origin: self.origin.to_string(),
            size,
            root: self.levels.root(size)?,
            extensions: Vec::new(),
        };
        if let Some(last) = self.last_of_this_log() {
            if last.checkpoint == checkpoint {
                return Ok(last.clone());
            }
            if !self.goes_on_from(&last.checkpoint, &checkpoint)? {
                return Err(LedgerError::Inconsistent(last.checkpoint.size));
            }
        }
        let note = Note::sign(checkpoint.text(), signers);
        let signed = Signed { checkpoint, note };
        self.last_file.write(&signed)?;
        self.last = Some(signed.clone());
        Ok(signed)
    }

    fn goes_on_from(&self, old: &Checkpoint, new: &Checkpoint) -> Result<bool, LedgerError> {
        let Some(ranges) = consistency_ranges(old.size, new.size) else {
            return Ok(false);
        };
        let proof = self.levels.ranges(&ranges)?;
        Ok(verify_consistency(old.size, new.size, &old.root, &new.root, &proof))
    }
}

fn states_key(entry: &RawEntry) -> bool {
    entry.header.stream.0 == 0 && entry.header.fact_type == fact::LedgerKeySet::TYPE
}

/// What was signed must be in the log; otherwise acknowledged entries are gone, and going on would
/// sign two histories.
fn refuse_older_copy(
    log: &Log,
    origin: &Origin,
    last: &Checkpoint,
    file: &LastCheckpoint,
) -> Result<(), LedgerError> {
    let signed = Origin::parse(&last.origin).ok_or_else(|| file.damaged())?;
    if signed.log_id != origin.log_id || signed.server_name != origin.server_name {
        let (expected, found) = (origin.to_string(), last.origin.clone());
        return Err(LedgerError::OtherLog { expected, found });
    }
    let entries = log.head().0 + 1;
    let behind = signed.incarnation == origin.incarnation && last.size > entries;
    if behind || signed.incarnation > origin.incarnation {
        return Err(LedgerError::RolledBack { expected: last.size, found: entries });
    }
    Ok(())
}
