//! Backup and restore of a data directory.
//!
//! Owns what a backup is made of (a manifest, segments, sealed media), where the keyring goes, the
//! order in which files become part of a backup, and the making of a data directory out of one.
//! The log's rules (where a copy may end, what goes on from an older one) are `event-log`'s.
//! Invariants: I6, I7, I9, I10. Never opens what anybody wrote; never deletes from a data
//! directory.

mod beside;
#[cfg(test)]
mod beside_tests;
mod copy_back;
mod digest;
mod dir_store;
mod inspect;
mod keys_copy;
mod live;
mod log_copy;
mod manifest;
mod media_files;
mod newest;
mod own_log;
mod place;
mod refusal;
mod restore;
mod s3;
mod shipping;
mod sink;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod there;
#[cfg(test)]
mod world;

use self::target::Target;
pub(crate) use self::{
    copy_back::copy_back,
    inspect::{BackupFinding, Inspection, inspect, is_backup},
    keys_copy::{copy_keys, keyring_of},
    live::{BackupPoint, LiveLog, read_keyring},
    log_copy::LogCopy,
    manifest::SegmentEntries,
    newest::{Newest, NewestRequest},
    own_log::newest_than,
    place::{LockTerms, Place},
    refusal::BackupRefusal,
    restore::Restore,
    shipping::{ShippedLog, Shipping},
    sink::Sink,
    there::{There, Wanted},
};
