//! Opening the log for a command that needs the lease.

use std::sync::Arc;

use event_log::{KeyringError, LeaseError, Log, LogOptions, OpenError, ReadFault, SystemRandom};

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
    Log::open(options, Arc::new(SystemClock), Arc::new(SystemRandom))
        .map_err(|error| unopened(error, "stop the server first"))
}

/// A log that was not opened, with what to do about it; `held` where another process has it.
pub(in crate::cli) fn unopened(error: OpenError, held: &'static str) -> anyhow::Error {
    let next = match &error {
        OpenError::Lease(LeaseError::Held(_)) => held,
        OpenError::Lease(LeaseError::Io(..)) => {
            "make that directory writable for this user, or name another one (server.data_dir)"
        }
        OpenError::Keyring(KeyringError::ReadOnly) => "make the keyring writable for this user",
        OpenError::Keyring(_) | OpenError::KeyringTooOld { .. } => {
            "put the keyring of this log back into `<data_dir>/keyring`; without it nothing that \
             the log holds can be read"
        }
        OpenError::Recovery(ReadFault::Damage(_)) => {
            "see what `chancery log verify` says, and restore the segment from a backup; nothing \
             was changed"
        }
        OpenError::OtherServer { .. } => {
            "name that server (server.name), or another data directory (server.data_dir): the \
             name of a server stays"
        }
        _ => return anyhow::Error::new(error).context("the log cannot be opened"),
    };
    let said = chain(&error);
    Failure::new(format!("the log cannot be opened: {said}"), next).into()
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
