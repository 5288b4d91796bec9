//! `chancery user create`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::password;
use crate::{
    cli::{Failure, Origin},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// The part of the user id before the colon.
    localpart: String,
    /// Make the account a server administrator.
    #[arg(long)]
    admin: bool,
    /// File with the password. Without it the password is asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(command: &Create, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    let password = password::read(command.password_file.as_deref())?;
    create(command, &config, &password)
}

/// The work itself.
fn create(_command: &Create, _config: &Config, _password: &str) -> anyhow::Result<ExitCode> {
    Err(Failure::missing("user create", "accounts").into())
}
