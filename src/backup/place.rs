//! Where a backup is, as the command line names it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{
    BackupPoint, BackupRefusal, Target,
    dir_store::DirStore,
    manifest::Kind,
    s3::{S3Store, Settings},
    store::Store,
};
use crate::config::offsite::Offsite;

const S3: &str = "s3://";

/// How long objects are to be locked, by the policies and holds in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockTerms {
    /// Days.
    pub(crate) days: u32,
    /// A legal hold is open.
    pub(crate) held: bool,
}

/// A directory, or a part of a bucket.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A directory on this machine.
    Dir(PathBuf),
    /// Objects below a prefix.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix, empty or ending with a slash.
        prefix: String,
        /// The store and how to speak to it.
        settings: Settings,
    },
}

impl Place {
    /// `s3://bucket/prefix`, or a directory.
    pub(crate) fn parse(text: &str, offsite: Option<&Offsite>) -> Result<Self, BackupRefusal> {
        let Some(rest) = text.strip_prefix(S3) else {
            return Ok(Self::Dir(PathBuf::from(text)));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let settings = offsite.map(Settings::of).transpose()?;
        let settings = settings.filter(|_| !bucket.is_empty());
        let settings = settings.ok_or_else(|| BackupRefusal::NoPlace(text.to_owned()))?;
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix, settings })
    }

    /// The same place, where objects are locked as the policies want it and at least as it is
    /// configured.
    pub(crate) fn locked_by(&self, terms: LockTerms) -> Self {
        match self.clone() {
            Self::S3 { bucket, prefix, mut settings } => {
                settings.retention_days = settings.retention_days.max(terms.days);
                settings.hold_is_open = terms.held;
                Self::S3 { bucket, prefix, settings }
            }
            dir @ Self::Dir(_) => dir,
        }
    }

    /// Opens a part of a bucket to put single files there, locked from this time on.
    pub(super) fn locking(&self, now: u64) -> Result<S3Store> {
        match self {
            Self::Dir(dir) => Err(BackupRefusal::NoPlace(dir.display().to_string()).into()),
            Self::S3 { bucket, prefix, settings } => {
                S3Store::for_writing(bucket, prefix, settings, now)
            }
        }
    }

    /// Opens a part of a bucket to read.
    pub(super) fn reading(&self) -> Result<S3Store> {
        match self {
            Self::Dir(dir) => Err(BackupRefusal::NoPlace(dir.display().to_string()).into()),
            Self::S3 { bucket, prefix, settings } => S3Store::for_reading(bucket, prefix, settings),
        }
    }

    /// Opens it to read.
    pub(super) fn open(&self) -> Result<Box<dyn Store>> {
        Ok(match self {
            Self::Dir(dir) => Box::new(DirStore::for_reading(dir)),
            Self::S3 { bucket, prefix, settings } => {
                Box::new(S3Store::for_reading(bucket, prefix, settings)?)
            }
        })
    }

    /// Opens it for a backup of the log that is taken at this time.
    pub(super) fn target(&self, point: &BackupPoint, taken_at: u64) -> Result<Target> {
        match self {
            Self::Dir(dir) => Target::open(dir, Kind::Log, point),
            Self::S3 { bucket, prefix, settings } => {
                let store = S3Store::for_writing(bucket, prefix, settings, taken_at)?;
                Target::over(Box::new(store), Kind::Log, point)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(dir) => fmt::Display::fmt(&Path::display(dir), f),
            Self::S3 { bucket, prefix, .. } => write!(f, "{S3}{bucket}/{prefix}"),
        }
    }
}
