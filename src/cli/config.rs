//! `chancery config`.

mod check;
mod example;

use std::process::ExitCode;

use clap::Subcommand;

use super::Origin;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong with the configuration; exit 1 if something is.
    Check(check::Check),
    /// Print a commented example with every key and its default.
    Example,
}

pub(super) fn run(command: &ConfigCommand, origin: &Origin) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check(check) => check::run(check, origin),
        ConfigCommand::Example => example::run(),
    }
}
