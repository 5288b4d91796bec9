//! The lease on a data directory: one writer at a time.
//!
//! Owns the lock file `<data_dir>/log/lease`. The lock is the operating system's and goes with
//! its process, so a crash leaves nothing to clean up.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Why the lease was not given.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process writes here.
    #[error("another process holds the log in {}", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be opened or locked.
    #[error("the lock file in {} cannot be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// Held for as long as the value lives.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease of a data directory without waiting.
    pub fn take(data_dir: &Path) -> Result<Self, LeaseError> {
        let fault = |error| LeaseError::Io(data_dir.to_owned(), error);
        let log_dir = data_dir.join("log");
        std::fs::create_dir_all(&log_dir).map_err(fault)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(log_dir.join("lease"))
            .map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LeaseError::Held(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }
}
