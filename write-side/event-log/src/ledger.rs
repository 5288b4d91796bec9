//! The ledger: a Merkle tree over the log, and signed checkpoints of it (LOG.md section 8).
//!
//! Owns the tree's files in `<data_dir>/ledger/` (deletable, made again from the log), the signing
//! key and the last checkpoint in the keys directory, and everything that proves with them. Leaf i
//! is the digest of the entry at position i; only durable entries are ever in the tree.
//! Formats are those of C2SP, so that other people's tools verify what is said here:
//! `docs/ledger.md`.
//!
//! Invariants: I3 (a checkpoint covers durable entries, and is durable before it is published),
//! I7, I9, I10, I12. Never signs a checkpoint that does not go on from the last one signed.

mod answers;
mod check;
mod checkpoint;
mod extract;
mod fault;
mod follower;
mod key_file;
mod last_checkpoint;
mod levels;
mod merkle;
mod note;
mod own_word;
mod proof_file;
mod read_only;
mod replace_file;
mod signing_key;
mod state;
mod stated_key;
mod tile;
mod tree;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};

pub use self::{
    check::{CheckRequest, Finding, LedgerReport, check_directory, check_segments},
    checkpoint::{Checkpoint, Origin},
    extract::{LogExtract, SignedText},
    fault::{LedgerError, LedgerFault},
    last_checkpoint::CHECKPOINT_FILE,
    levels::Levels,
    merkle::{
        LeafRange, RootHasher, consistency_ranges, empty_root, inclusion_ranges, leaf_hash,
        leaf_hash_of, node_hash, verify_consistency, verify_inclusion,
    },
    note::{NOTE_BYTES_MAX, Note, NoteError, NoteSignature, NoteSigner, VerifierKey, is_key_name},
    own_word::is_own_word,
    proof_file::{ProofError, TlogProof, hash_lines, parse_hash_lines},
    read_only::{LedgerFiles, ReadError},
    stated_key::{Endorsement, StatedKey, trusted_by},
    tile::{Bundle, TILE_WIDTH, Tile},
    tree::Tree,
};
use self::{follower::Follower, last_checkpoint::Signed};
use crate::{Clock, Log, Random, metrics};

/// The ledger of an open log.
pub struct Ledger {
    log: Arc<Log>,
    levels: Arc<Levels>,
    published: RwLock<Arc<Published>>,
    follower: Mutex<Follower>,
    /// Set by whoever meets a hash that does not fit; the next step writes the tree anew.
    suspect: AtomicBool,
}

/// The checkpoint that everybody may see, and the keys that the log states up to it.
#[derive(Clone, Debug)]
pub struct Published {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: Note,
    /// All keys that ever signed, in order; the last one signs now.
    pub keys: Vec<StatedKey>,
}

/// Where a data directory has the tree.
pub fn ledger_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("ledger")
}

impl Ledger {
    /// Opens the ledger of a log: brings the tree up to the head, compares it with the last
    /// checkpoint signed, states the signing key in the log where that is due, and publishes a
    /// checkpoint.
    ///
    /// Blocks while the tree is made anew, should it have been deleted. A log that is behind the
    /// last checkpoint, or does not lead to it, is refused.
    pub fn open(log: Arc<Log>, random: &dyn Random) -> Result<Self, LedgerError> {
        let mut follower = Follower::open(Arc::clone(&log))?;
        follower.settle_key(random)?;
        let signed = follower.sign()?;
        follower.sync()?;
        let published = Published::of(signed, &follower);
        Ok(Self {
            levels: follower.levels(),
            published: RwLock::new(Arc::new(published)),
            follower: Mutex::new(follower),
            suspect: AtomicBool::new(false),
            log,
        })
    }

    /// The latest checkpoint.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read())
    }

    /// Takes in what became durable since the last step, and signs a checkpoint if that is
    /// anything.
    pub fn step(&self) -> Result<(), LedgerError> {
        let mut follower = self.follower.lock();
        if self.suspect.swap(false, Ordering::AcqRel) {
            tracing::warn!("a hash of the ledger does not fit; its tree is made anew");
            follower.start_over();
        }
        follower.catch_up()?;
        if follower.size() > self.published().checkpoint.size {
            self.publish(&mut follower)?;
        }
        Ok(())
    }

    /// Steps again and again, one step beginning every `interval`, until `pause` answers false;
    /// then once more for what came last. A fault of the disk is tried again; where the log
    /// contradicts what was signed, nothing is signed any more and this returns.
    pub fn follow(
        &self,
        interval: Duration,
        clock: &dyn Clock,
        mut pause: impl FnMut(Duration) -> bool,
    ) -> Result<(), LedgerError> {
        let mut failing = false;
        loop {
            let started = clock.monotonic_ms();
            match self.step() {
                Ok(()) => failing = false,
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    metrics::ledger_failed();
                    if !failing {
                        tracing::error!(?error, "the ledger cannot follow the log; trying again");
                    }
                    failing = true;
                }
            }
            let spent = Duration::from_millis(clock.monotonic_ms().saturating_sub(started));
            if !pause(interval.saturating_sub(spent)) {
                break;
            }
        }
        self.step()?;
        self.follower.lock().sync()
    }

    /// Gives the ledger a new signing key, states it in the log with the old one's endorsement,
    /// and signs a checkpoint with both. The old key is gone afterwards.
    pub fn rotate_key(&self, random: &dyn Random) -> Result<VerifierKey, LedgerError> {
        let mut follower = self.follower.lock();
        follower.catch_up()?;
        let (signed, key) = follower.rotate_key(random)?;
        *self.published.write() = Arc::new(Published::of(signed, &follower));
        Ok(key)
    }

    fn publish(&self, follower: &mut Follower) -> Result<(), LedgerError> {
        let signed = follower.sign()?;
        metrics::ledger_signed(signed.checkpoint.size);
        *self.published.write() = Arc::new(Published::of(signed, follower));
        Ok(())
    }
}

impl Published {
    fn of(signed: Signed, follower: &Follower) -> Self {
        let Signed { checkpoint, note } = signed;
        Self { checkpoint, note, keys: follower.keys().to_vec() }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("checkpoint", &self.published().checkpoint).finish()
    }
}
