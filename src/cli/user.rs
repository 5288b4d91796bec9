//! `chancery user`.

mod ask;
mod create;
mod list;
mod password;
mod reset_password;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use self::ask::ask;
use super::Origin;

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make an account.
    Create(create::Create),
    /// Give an account a new password.
    ResetPassword(reset_password::ResetPassword),
    /// List the accounts.
    List(list::List),
}

pub(super) fn run(command: &User, origin: &Origin) -> anyhow::Result<ExitCode> {
    match command {
        User::Create(create) => create::run(create, origin),
        User::ResetPassword(reset) => reset_password::run(reset, origin),
        User::List(list) => list::run(list, origin),
    }
}
