//! Keys of the log: who can still be read.
//!
//! Owns key epochs, their puncturable trees, the cache of derived keys and the keyring file
//! (LOG.md section 5). Invariants: I6 (erasure is by key), I10 (caches and files are bounded).
//! Never sees a clear byte of the log; sealing is `seal.rs`.

mod keyring;
mod node;
mod path_cache;
mod tree;

pub use keyring::{
    FileFault, KEYRING_BYTES_MAX, Keyring, KeyringCopy, KeyringError, RANGES_MAX, Step,
};
pub use node::LeafKey;
pub use path_cache::{CACHE_SHARDS, CACHED_PATHS_MAX};

pub use facts::fact::KeyRange;
