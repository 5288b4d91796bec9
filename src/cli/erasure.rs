//! `chancery erasure`.

mod list;
mod request;
mod withdraw;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Erasure {
    /// Ask that a person's records be erased.
    Request(request::Request),
    /// List the erasures under way.
    List(list::List),
    /// Take an erasure back.
    Withdraw(withdraw::Withdraw),
}

pub(super) fn run(command: &Erasure) -> anyhow::Result<ExitCode> {
    match command {
        Erasure::Request(request) => request::run(request),
        Erasure::List(list) => list::run(list),
        Erasure::Withdraw(withdraw) => withdraw::run(withdraw),
    }?;
    Ok(ExitCode::SUCCESS)
}
