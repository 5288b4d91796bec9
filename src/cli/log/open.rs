//! Opening the log for a command that needs the lease.

use std::sync::Arc;

use event_log::{LeaseError, Log, LogOptions, OpenError, SystemRandom};

use crate::{cli::Failure, clock::SystemClock, config::Config};

pub(super) use crate::wiring::log_options as options;

/// Fails where there is no log: a command that looks at one must not begin one.
pub(super) fn log_exists(options: &LogOptions) -> anyhow::Result<()> {
    let dir = options.segments_dir();
    if dir.is_dir() {
        return Ok(());
    }
    Err(Failure::new(
        format!("there is no log in {}", dir.display()),
        "name the configuration of the server with --config, or start it once",
    )
    .into())
}

/// Opens a log that is there. Recovers it and finishes ordered destructions, as a start does.
pub(in crate::cli) fn open(config: &Config) -> anyhow::Result<Log> {
    let options = options(config);
    log_exists(&options)?;
    match Log::open(options, Arc::new(SystemClock), Arc::new(SystemRandom)) {
        Ok(log) => Ok(log),
        Err(OpenError::Lease(LeaseError::Held(dir))) => Err(Failure::new(
            format!("another process holds the log in {}", dir.display()),
            "stop the server first",
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}
