//! Why a backup is not taken, or nothing is restored; each with what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use facts::LogPosition;

use super::{There, Wanted, manifest::ManifestFault};

const NEXT_OF_FULL: &str = "free space on that disk or name a directory on another one; the same \
    command then goes on, or begins anew, without anything lost";

/// A refusal. Nothing was changed where one is given, but for files that the next run takes up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupRefusal {
    /// Something that is no backup stands there.
    #[error("{} holds something that is no backup", .0.display())]
    NotABackup(PathBuf),
    /// What was wanted is not there.
    #[error("{wanted} is in {place}: {there}")]
    Nothing {
        /// Where.
        place: String,
        /// What was looked for.
        wanted: Wanted,
        /// What is there.
        there: There,
    },
    /// A backup of the other kind.
    #[error("{found} is a backup of {is}, and one of {wanted} is needed")]
    OtherKind {
        /// Where.
        found: String,
        /// What it is of.
        is: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// A backup of another log.
    #[error("{place} is of log {found}, and this is {expected}")]
    OtherLog {
        /// Where.
        place: String,
        /// The log that is expected.
        expected: String,
        /// The log that it is of.
        found: String,
    },
    /// The backup is of another incarnation.
    #[error(
        "{place} is of incarnation {found} of this log, and the log is in incarnation {current}: \
         what was given up by going on from an older copy may stand there alone"
    )]
    OtherIncarnation {
        /// Where.
        place: String,
        /// Incarnation of the log.
        current: u32,
        /// Incarnation of the backup.
        found: u32,
    },
    /// The backup has more than the log.
    #[error(
        "{place} has entries up to {found}, and the log ends at {head}: the data directory is an \
         older copy"
    )]
    Ahead {
        /// Where.
        place: String,
        /// Last entry of the log.
        head: LogPosition,
        /// Last entry of the backup.
        found: LogPosition,
    },
    /// Another run has the directory.
    #[error("another backup or restore works in {}", .0.display())]
    Busy(PathBuf),
    /// The manifest cannot be used.
    #[error("the manifest in {place} cannot be used: {fault}")]
    Manifest {
        /// Where.
        place: String,
        /// Why.
        fault: ManifestFault,
    },
    /// A file of the backup is not what the manifest says.
    #[error("{file} is not what the manifest says: {what}")]
    Damaged {
        /// Which.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The server does what it can and the directory is not one that it may write to.
    #[error("{0}")]
    Server(String),
    /// Something stands where a data directory is to be made.
    #[error("{} is there already: nothing is restored over it", .0.display())]
    Occupied(PathBuf),
    /// A position behind the end.
    #[error("the backup ends at position {head}, and {wanted} was asked for")]
    Beyond {
        /// Last entry of the backup.
        head: LogPosition,
        /// What was asked for.
        wanted: LogPosition,
    },
    /// Another copy does not have the same history.
    #[error(
        "{place} is not a newer copy of this one: their entries at position {at} differ, or one \
         of them lacks it"
    )]
    OtherHistory {
        /// Where.
        place: String,
        /// Where they were compared.
        at: LogPosition,
    },
    /// A checkpoint covers more than any copy that was named.
    #[error(
        "{place} has a checkpoint over {covered} entries, and the newest copy that was named has \
         {known}: orders to destroy may stand in what is missing"
    )]
    OrdersUnknown {
        /// Where.
        place: String,
        /// Entries that the checkpoint covers.
        covered: u64,
        /// Entries that are known.
        known: u64,
    },
    /// An order that the keyring does not open.
    #[error(
        "{place} has an order to destroy at position {order} that the copied keyring does not open: \
         it is older than that order, or the order is not of this log"
    )]
    OrderNotOpened {
        /// Where.
        place: String,
        /// Its position.
        order: LogPosition,
    },
    /// Not a place that can be used.
    #[error("`{0}` names no bucket")]
    NoPlace(String),
    /// The disk took no more, or the file system refused.
    #[error("{} could not be written", .path.display())]
    Unwritten {
        /// What was being written.
        path: PathBuf,
        /// Why it could not be.
        #[source]
        error: io::Error,
    },
    /// Nobody to be at the store.
    #[error("the credentials of the off-site store cannot be read: {0}")]
    Credentials(String),
    /// Something else stands where a file is to be put.
    #[error("{0} is there and is something else: nothing is put over it")]
    Taken(String),
    /// Something lies below the prefix of an export that is not of it.
    #[error("{0} does not belong to this export, which could not be verified beside it")]
    Foreign(String),
    /// A file of a finished export is not what it was.
    #[error("{} is not what it was when its export was finished: it is not put", .0.display())]
    Changed(PathBuf),
    /// The bucket does not lock objects.
    #[error("the bucket of {0} has no Object Lock")]
    NoLock(String),
    /// The store refused, or did not answer.
    #[error("the store of bucket {bucket} was asked to {what}, and did not: {said}")]
    Store {
        /// Which.
        bucket: String,
        /// What it was asked to do.
        what: String,
        /// What it said, or that it said nothing.
        said: String,
    },
    /// The store did not do what it said.
    #[error("{file} was put and is not kept as it must be: {what}")]
    NotLocked {
        /// Which.
        file: String,
        /// What is wrong.
        what: String,
    },
}

impl BackupRefusal {
    /// A failure to write a path, for `map_err`.
    pub(crate) fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Unwritten { path: path.to_owned(), error }
    }

    /// Whether an error says that a file is not there as it must be, so that it is put again, as a
    /// version of its own. The store had a bad moment, or somebody could remove it.
    pub(crate) fn is_put_again(error: &anyhow::Error) -> bool {
        let again = matches!(error.downcast_ref(), Some(Self::NotLocked { .. }));
        if again {
            tracing::warn!(%error, "a file is put again");
        }
        again
    }

    /// What to do about an error that is a refusal, or that comes from a disk without room.
    pub(crate) fn next_of(error: &anyhow::Error) -> Option<&'static str> {
        let full = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(is_full)
        };
        let refusal = error.downcast_ref::<Self>().map(Self::next);
        refusal.or_else(|| error.chain().any(full).then_some(NEXT_OF_FULL))
    }

    /// What to do.
    fn next(&self) -> &'static str {
        match self {
            Self::NotABackup(_) => "name an empty directory, or one that is not there yet",
            Self::Nothing { wanted: Wanted::Backup, .. } => {
                "name the directory or the prefix of a backup that was finished; `chancery backup` \
                 goes on with one that was broken off"
            }
            Self::Nothing { .. } => {
                "name the directory or the prefix that `chancery export` or `chancery backup` was \
                 given, or `ship_to` of the section [offsite]"
            }
            Self::OtherKind { .. } => {
                "give the backup with --from and its keys with --keyring-from"
            }
            Self::OtherLog { .. } => "take the backup and the keys of one and the same log",
            Self::OtherIncarnation { .. } | Self::Ahead { .. } => {
                "name a directory of its own for this backup, and keep the other one"
            }
            Self::Busy(_) => "wait for it to end",
            Self::Unwritten { error, .. } if is_full(error) => NEXT_OF_FULL,
            Self::Unwritten { .. } => {
                "look at that disk and at the rights there, or name another directory; the same \
                 command then goes on, or begins anew, without anything lost"
            }
            Self::Manifest { .. } | Self::Damaged { .. } => {
                "take another copy of the backup; `chancery verify` checks one from end to end"
            }
            Self::Server(_) => {
                "let the account of the server write to that directory, see that its disk has room, \
                 or stop the server, and try again"
            }
            Self::Occupied(_) => "name a directory that is not there",
            Self::NoPlace(_) => "name s3://bucket/prefix",
            Self::Credentials(_) => {
                "name a file in offsite.credentials_file, or set AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY"
            }
            Self::Taken(_) => "name another prefix",
            Self::Foreign(_) => "name another prefix; what lies there is left as it is",
            Self::Changed(_) => "export it anew in another directory, to another prefix",
            Self::NoLock(_) => {
                "make a bucket with Object Lock; at most stores it can only be had from the \
                 beginning"
            }
            Self::Store { .. } => {
                "look at the store, at the rights of the account there and at the section \
                 [offsite]; the same command then goes on where it stopped"
            }
            Self::NotLocked { .. } => {
                "do not rely on this store: it said yes and did something else"
            }
            Self::Beyond { .. } => "name an earlier position, or a later backup",
            Self::OtherHistory { .. } => {
                "leave it out if it is of a part of the log that was given up before"
            }
            Self::OrderNotOpened { .. } => {
                "take a newer copy of the keyring; where there is none, --give-up-orders-through takes \
                 a number above that position, and what it destroyed may be readable again"
            }
            Self::OrdersUnknown { .. } => {
                "name a newer copy with --orders-from (a data directory or a backup); where none \
                 is left, --give-up-orders-through takes that number"
            }
        }
    }
}

/// No room on the disk, in the quota, or within the limit on a file's size.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
