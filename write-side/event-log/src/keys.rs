//! Keys of the log: who can still be read.
//!
//! Owns key epochs, their puncturable trees, the cache of derived keys and the keyring file
//! (LOG.md section 5). Invariants: I6 (erasure is by key), I10 (caches and files are bounded).
//! Never sees a clear byte of the log; sealing is `seal.rs`.

mod keyring;
mod node;
mod path_cache;
mod tree;

pub use keyring::{FileFault, KEYRING_BYTES_MAX, Keyring, KeyringError, RANGES_MAX, Step};
pub use node::LeafKey;
pub use path_cache::{CACHE_SHARDS, CACHED_PATHS_MAX};

use facts::KeyEpoch;

/// A range of leaves of one tree, in a range of epochs; all bounds inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// First epoch.
    pub epoch_first: KeyEpoch,
    /// Last epoch; epochs that are not open yet are not touched.
    pub epoch_last: KeyEpoch,
    /// The tree.
    pub tree: u32,
    /// First leaf.
    pub leaf_first: u32,
    /// Last leaf.
    pub leaf_last: u32,
}

impl KeyRange {
    /// True if no bound is before its counterpart. Anything else is refused, never taken for an
    /// empty range: a destruction that destroys nothing must not look done.
    pub fn is_ordered(&self) -> bool {
        self.epoch_first <= self.epoch_last && self.leaf_first <= self.leaf_last
    }
}
