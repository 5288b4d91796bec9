//! `chancery user reset-password`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::password;
use crate::{
    cli::{Failure, Origin},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ResetPassword {
    /// The part of the user id before the colon.
    localpart: String,
    /// Keep the account signed in on its devices.
    #[arg(long)]
    keep_devices: bool,
    /// File with the new password. Without it the password is asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(command: &ResetPassword, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    let password = password::read(command.password_file.as_deref())?;
    reset_password(command, &config, &password)
}

/// The work itself.
fn reset_password(
    _command: &ResetPassword,
    _config: &Config,
    _password: &str,
) -> anyhow::Result<ExitCode> {
    Err(Failure::missing("user reset-password", "accounts").into())
}
