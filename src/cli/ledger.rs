//! `chancery ledger`.

mod checkpoint;
mod consistency;
mod key;
mod prove;
mod rotate_key;

use std::process::ExitCode;

use clap::Subcommand;
use event_log::ledger::{LedgerFiles, ReadError};

use super::{Failure, Origin};
use crate::{config::Config, wiring::log_options};

#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Print the last signed checkpoint. Only reads, as all but `rotate-key`, and works beside a
    /// running server.
    Checkpoint(checkpoint::Checkpoint),
    /// Print the proof (a `tlog-proof`) that the entry at a position is under the last checkpoint.
    Prove(prove::Prove),
    /// Print the proof that the tree of one size goes on from that of another.
    Consistency(consistency::Consistency),
    /// Print the key that verifies checkpoints.
    Key(key::Key),
    /// Give the ledger a new signing key, stated in the log. The server must be stopped.
    RotateKey(rotate_key::RotateKey),
}

pub(super) fn run(command: &Ledger, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    match command {
        Ledger::Checkpoint(command) => checkpoint::run(command, &files(&config)?),
        Ledger::Prove(command) => prove::run(command, &files(&config)?),
        Ledger::Consistency(command) => consistency::run(command, &files(&config)?),
        Ledger::Key(command) => key::run(command, &files(&config)?),
        Ledger::RotateKey(command) => rotate_key::run(command, &config),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn files(config: &Config) -> anyhow::Result<LedgerFiles> {
    let options = log_options(config);
    match LedgerFiles::open(&options.data_dir, &options.keys_dir) {
        Err(error @ ReadError::NoCheckpoint(_)) => Err(Failure::new(
            error.to_string(),
            "name the configuration of the server with --config, or start it once",
        )
        .into()),
        other => Ok(other?),
    }
}
