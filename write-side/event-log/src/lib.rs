//! The log: the one source of truth, append-only, sealed and destroyable by key.
//!
//! Owns segments, sealing, the keyring, sequencers and the indexes of the log (LOG.md).
//! Invariants: I1, I3, I4, I6, I7, I9, I10, I13. Never knows a Matrix rule.

mod appender;
mod assign;
mod background;
pub mod backup;
mod clock;
mod damage;
mod disclosure;
mod disk;
mod durable;
mod entry;
mod fields;
mod frame;
pub mod keys;
mod lease;
pub mod ledger;
mod log;
pub mod metrics;
mod options;
mod publish;
mod purged_store;
mod queue;
pub mod random;
mod read_fault;
mod recovery;
mod refusal;
pub mod seal;
mod sealing;
mod segment;
mod sequencer;
mod shared;
mod stream_index;
mod stubs;
mod tail;
mod vault;
mod verify;
mod write;

pub use assign::RECENT_STREAMS_MAX;
pub use background::{BrokeOff, give_way, in_background};
pub use clock::Clock;
pub use damage::{Damage, DamageKind};
pub use disclosure::{DisclosedPart, Disclosure, Shown};
pub use disk::{DestructionStep, Disk, OsDisk, SegmentFile};
pub use durable::{Appended, Durable};
pub use entry::{Entry, PartContent, RawEntry};
pub use keys::{
    CACHE_SHARDS, CACHED_PATHS_MAX, FileFault, KEYRING_BYTES_MAX, KeyRange, Keyring, KeyringCopy,
    KeyringError, LeafKey, RANGES_MAX, Step as KeyringStep,
};
pub use lease::{Lease, LeaseError};
pub use log::{
    CLOCK_JUMP_MS, ConfirmError, ForkError, GoOn, Log, LogStat, OpenError, OrderOfMany,
    RANGE_ENTRIES_MAX, REPEATED_RANGES_MAX, Scavenging, ScrubPace, SealedOrder, ShredError,
    ShredReceipt, ShredRequest,
};
pub use options::{EPOCH_DAYS, LogOptions, SEGMENT_BYTES, SEGMENT_BYTES_MAX};
pub use purged_store::purge_store;
pub use queue::{QUEUE_BYTES_MAX, QUEUE_ENTRIES_MAX, WRITE_BYTES_MAX, WRITE_ENTRIES_MAX};
pub use random::{Random, SeededRandom, SystemRandom};
pub use read_fault::ReadFault;
pub use refusal::{AppendFault, AppendRefusal, StopReason};
pub use seal::{
    NONCE_BYTES, OpenError as PartOpenError, PartKeys, PartPlace, SEALED_OVERHEAD, TAG_BYTES,
    commits_to, entry_digest, part_hash,
};
pub use segment::{beside::WRITING_REST, shelf::HANDLES_MAX};
pub use sequencer::{
    AppendOutcome, FollowFault, SealedWrite, Sequencer, SequencerHead,
    memory::{InjectedFault, MemorySequencer},
    target::{APPEND_TRIES_MAX, MirrorFault},
};
pub use shared::FollowError;
pub use stream_index::{IndexFault, UNFLUSHED_ENTRIES_MAX, UNFLUSHED_STREAMS_MAX};
pub use verify::{VerifyReport, verify, verify_bytes};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The frames of one batch are at most this many bytes; a batch larger than a usual write is
/// written alone.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
