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
    file: File,
}

impl Drop for Lease {
    /// The lock belongs to the open file, not to this descriptor: a process that is being started
    /// has a copy of it until it runs its own program, and closing ours alone would leave the log
    /// held for so long.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the lease on the log goes with the process only");
        }
    }
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
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(LeaseError::Held(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_given_back_is_free_whoever_has_a_copy_of_its_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let lease = Lease::take(dir.path()).unwrap();
        assert!(matches!(Lease::take(dir.path()), Err(LeaseError::Held(_))));
        // As a child has it between `fork` and `exec`.
        let copy = lease.file.try_clone().unwrap();
        drop(lease);
        drop(Lease::take(dir.path()).unwrap());
        drop(copy);
    }
}
