//! The command line.
//!
//! Owns the commands' shapes, how each finds its configuration, and the exit codes: 0 good, 1
//! refused or fault found, 2 wrong usage. One file a command.

mod audit;
mod backup;
mod case;
mod config;
mod erasure;
mod export;
mod failure;
mod hold;
mod ledger;
mod log;
mod output;
mod policy;
mod restore;
mod role;
mod serve;
mod shown;
mod staff;
mod user;
mod verify;
mod views;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::failure::Failure;
use crate::config::{Config, Sources, load};

/// A Matrix homeserver whose source of truth is one append-only, sealed, provable event log.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, arg_required_else_help = true)]
struct Cli {
    /// Configuration file (TOML). Without it: defaults and the environment.
    #[arg(long, global = true, value_name = "FILE", env = "CHANCERY_CONFIG")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Manage accounts.
    #[command(subcommand)]
    User(user::User),
    /// Give and take the roles of officers and auditors.
    #[command(subcommand)]
    Role(role::Role),
    /// Open, approve and read cases, as yourself.
    #[command(subcommand)]
    Case(case::Case),
    /// Export what lies in the scope of an approved case, with proofs, as yourself.
    Export(export::Export),
    /// List or export the audit trail, as yourself.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Inspect and maintain the event log.
    #[command(subcommand)]
    Log(log::Log),
    /// Print what proves the log, or change the key that signs it.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Verify an export, a data directory, a proof or a checkpoint; needs no server.
    Verify(verify::Verify),
    /// Copy log, media and keys, beside a running server; copies what is new.
    Backup(backup::Backup),
    /// Make a data directory out of a backup, up to any position.
    Restore(restore::Restore),
    /// Check, apply and show policy documents, and what they mean for the record.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Place and release legal holds, as yourself.
    #[command(subcommand)]
    Hold(hold::Hold),
    /// Ask for the erasure of persons, as yourself.
    #[command(subcommand)]
    Erasure(erasure::Erasure),
    /// Maintain the views.
    #[command(subcommand)]
    Views(views::Views),
    /// Check the configuration, or print an example.
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Where the configuration comes from, for commands to read when they need it.
#[derive(Debug)]
struct Origin {
    file: Option<PathBuf>,
}

impl Origin {
    fn sources(&self) -> anyhow::Result<Sources> {
        let file = self.file.clone().map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Failure::new(
                    format!("cannot read the configuration {}: {error}", path.display()),
                    "name a file that is there; `chancery config example` prints one",
                )
            })?;
            anyhow::Ok((path, text))
        });
        // Names and values that are not Unicode are nobody's of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Sources { file: file.transpose()?, environment })
    }

    /// The configuration, or a failure that lists everything that is wrong with it.
    fn config(&self) -> anyhow::Result<Config> {
        load(&self.sources()?).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(lines.join("\n"), "correct it; `chancery config example` shows every key")
                .into()
        })
    }
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    // Wrong usage ends the process here, with exit code 2.
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::from(1)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let origin = Origin { file: cli.config };
    match cli.command {
        Command::Serve(command) => serve::run(&command, &origin),
        Command::User(command) => user::run(&command, &origin),
        Command::Role(command) => role::run(&command, &origin),
        Command::Case(command) => case::run(&command),
        Command::Export(command) => export::run(&command, &origin),
        Command::Audit(command) => audit::run(&command),
        Command::Log(command) => log::run(&command, &origin),
        Command::Ledger(command) => ledger::run(&command, &origin),
        Command::Verify(command) => verify::run(command, &origin),
        Command::Backup(command) => backup::run(&command, &origin),
        Command::Restore(command) => restore::run(&command, &origin),
        Command::Policy(command) => policy::run(&command),
        Command::Hold(command) => hold::run(&command),
        Command::Erasure(command) => erasure::run(&command),
        Command::Views(command) => views::run(&command, &origin),
        Command::Config(command) => config::run(&command, &origin),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_may_stand_anywhere() {
        for line in [
            "chancery --config a.toml log verify --json",
            "chancery log verify --json --config a.toml",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("a right command line");
            assert_eq!(cli.config.expect("a file").to_str(), Some("a.toml"));
        }
    }

    #[test]
    fn wrong_usage_has_its_own_exit_code() {
        for line in ["chancery", "chancery user create", "chancery log verify --fast"] {
            let error = Cli::try_parse_from(line.split(' ')).expect_err("wrong usage");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn passwords_are_never_arguments() {
        let line = "chancery user create alice --password secret";
        assert!(Cli::try_parse_from(line.split(' ')).is_err());
    }
}
