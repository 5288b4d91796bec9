//! `chancery policy`.

mod check;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Say everything that is wrong with a policy document; needs no server. Exit 1 if something is.
    Check(check::Check),
}

pub(super) fn run(command: &Policy) -> anyhow::Result<ExitCode> {
    match command {
        Policy::Check(check) => check::run(check),
    }
}
