//! `chancery views`.

mod rebuild;

use std::process::ExitCode;

use clap::Subcommand;

use super::Origin;

#[derive(Debug, Subcommand)]
pub(super) enum Views {
    /// Delete views and compute them again from the log. The server must be stopped.
    Rebuild(rebuild::Rebuild),
}

pub(super) fn run(command: &Views, origin: &Origin) -> anyhow::Result<ExitCode> {
    match command {
        Views::Rebuild(rebuild) => rebuild::run(rebuild, origin),
    }
}
