//! Rows that were read lately, in memory: reading them again touches no table.
//!
//! Owns two bounded maps: single rows by key (also that there is none), and the last rows of
//! groups, which are the keys that share a prefix. Exact at any time (I5): whatever is committed
//! is applied here before a snapshot that sees the commit may look, and a snapshot uses only what
//! has not changed since it was taken. Belongs to one store and goes with it; can be forgotten at
//! any time. Invariants: I5, I10. Never touches the disk.
//!
//! Versions: even ones count the commits, an odd one is a commit under way. A snapshot that was
//! taken while its version stood still has exactly that version; others read past this memory.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use super::{
    batch::Writes,
    hot::{aged::Aged, tail::Tail},
    key::after_prefix,
};
use crate::store::StoreError;

mod aged;
pub(super) mod tail;

/// Single rows, at most.
const ROWS_MAX: usize = 4_096;
/// Groups, at most.
const GROUPS_MAX: usize = 512;
/// Parts with a lock of their own.
const SHARDS: usize = 8;
/// Bytes of a row that is kept, key and value, at most.
const ROW_BYTES_MAX: usize = 768;
/// A commit of more rows than this forgets everything instead of going through them.
const UPDATES_MAX: usize = 4_096;

/// The length of the prefix that a key shares with its group; `None` for a key without a group.
/// All keys with such a prefix must give the same length.
pub type Grouping = fn(&[u8]) -> Option<usize>;

/// The rows of one store that were read lately.
pub(super) struct HotRows {
    grouping: Grouping,
    version: AtomicU64,
    committing: Mutex<()>,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    rows: Aged<HotRow>,
    tails: Aged<HotTail>,
}

/// A row, unchanged since a version.
struct HotRow {
    since: u64,
    value: Option<Box<[u8]>>,
}

/// The end of a group, unchanged since a version.
struct HotTail {
    since: u64,
    tail: Arc<Tail>,
}

impl HotRows {
    pub(super) fn new(grouping: Grouping) -> Self {
        Self {
            grouping,
            version: AtomicU64::new(0),
            committing: Mutex::new(()),
            shards: Default::default(),
        }
    }

    /// The version; `None` while a commit is under way.
    pub(super) fn version(&self) -> Option<u64> {
        let version = self.version.load(Ordering::SeqCst);
        version.is_multiple_of(2).then_some(version)
    }

    /// The group that holds all keys of a range.
    pub(super) fn group_of<'a>(&self, from: &'a [u8], to: &[u8]) -> Option<&'a [u8]> {
        let group = from.get(..(self.grouping)(from)?)?;
        let within = from < to && (to.starts_with(group) || to == after_prefix(group));
        within.then_some(group)
    }

    /// The row of a key as a snapshot of `version` has it; `None` if that is not known.
    #[expect(clippy::option_option, reason = "known to be absent, and not known")]
    pub(super) fn row(&self, key: &[u8], version: u64) -> Option<Option<Vec<u8>>> {
        let mut shard = self.shard(key).lock();
        let row = shard.rows.get(key, ROWS_MAX / SHARDS)?;
        (row.since <= version).then(|| row.value.as_ref().map(|value| value.to_vec()))
    }

    /// A snapshot of `version` read this row.
    pub(super) fn keep_row(&self, key: &[u8], value: Option<&[u8]>, version: u64) {
        if !fits(key, value) {
            return;
        }
        let row = HotRow { since: version, value: value.map(Box::from) };
        let mut shard = self.shard(key).lock();
        // Under the lock: a commit that began by now comes to this row after it was put.
        if self.version() == Some(version) {
            shard.rows.insert(key.into(), row, ROWS_MAX / SHARDS);
        }
    }

    /// The end of a group as a snapshot of `version` has it; `None` if that is not known.
    pub(super) fn tail(&self, group: &[u8], version: u64) -> Option<Arc<Tail>> {
        let mut shard = self.shard(group).lock();
        let hot = shard.tails.get(group, GROUPS_MAX / SHARDS)?;
        (hot.since <= version).then(|| hot.tail.clone())
    }

    /// A snapshot of `version` read this end of a group.
    pub(super) fn keep_tail(&self, group: &[u8], tail: Arc<Tail>, version: u64) {
        let hot = HotTail { since: version, tail };
        let mut shard = self.shard(group).lock();
        if self.version() == Some(version) {
            shard.tails.insert(group.into(), hot, GROUPS_MAX / SHARDS);
        }
    }

    /// True for so few rows that a commit of them goes through them.
    pub(super) fn wants(writes: &Writes) -> bool {
        writes.len() <= UPDATES_MAX
    }

    /// Runs `write`, which makes `writes` visible to later snapshots, and takes them over;
    /// `None` stands for more rows than it wants, after which nothing is remembered.
    pub(super) fn commit(
        &self,
        writes: Option<&Writes>,
        write: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _one = self.committing.lock();
        let before = self.version.load(Ordering::SeqCst);
        let during = before | 1;
        self.version.store(during, Ordering::SeqCst);
        let outcome = write();
        // After a failure, or a commit that never ended, nobody knows what the store holds.
        let trusted = outcome.is_ok() && before != during;
        match writes.filter(|_| trusted) {
            Some(writes) => {
                for (key, value) in writes {
                    self.wrote(key, value.as_deref(), during + 1);
                }
            }
            None => self.forget(),
        }
        self.version.store(during + 1, Ordering::SeqCst);
        outcome
    }

    fn wrote(&self, key: &[u8], value: Option<&[u8]>, version: u64) {
        {
            let mut shard = self.shard(key).lock();
            if !fits(key, value) {
                shard.rows.remove(key);
            } else if let Some(row) = shard.rows.peek(key) {
                *row = HotRow { since: version, value: value.map(Box::from) };
            }
        }
        let Some(group) = (self.grouping)(key).and_then(|length| key.get(..length)) else { return };
        let mut shard = self.shard(group).lock();
        if !fits(key, value) {
            shard.tails.remove(group);
        } else if let Some(hot) = shard.tails.peek(group) {
            Arc::make_mut(&mut hot.tail).write(key, value);
            hot.since = version;
        }
    }

    fn forget(&self) {
        for shard in &self.shards {
            *shard.lock() = Shard::default();
        }
    }

    fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        let sum = key
            .iter()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        &self.shards[sum % SHARDS]
    }
}

fn fits(key: &[u8], value: Option<&[u8]>) -> bool {
    key.len() + value.map_or(0, <[u8]>::len) <= ROW_BYTES_MAX
}
