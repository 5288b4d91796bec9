//! `chancery user reset-password`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{ask::ask, password};
use crate::{
    cli::{Origin, output},
    config::Config,
    user_admin::{UserAnswer, UserRequest},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ResetPassword {
    /// The part of the user id before the colon.
    localpart: String,
    /// Keep the account signed in on its devices.
    #[arg(long)]
    keep_devices: bool,
    /// Why, for the audit trail.
    #[arg(long)]
    reason: Option<String>,
    /// File with the new password. Without it the password is asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(command: &ResetPassword, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    let password = password::read(command.password_file.as_deref())?;
    reset_password(command, &config, password)
}

fn reset_password(
    command: &ResetPassword,
    config: &Config,
    password: String,
) -> anyhow::Result<ExitCode> {
    let request = UserRequest::ResetPassword {
        localpart: command.localpart.clone(),
        password,
        keep_devices: command.keep_devices,
        reason: command.reason.clone(),
    };
    if let UserAnswer::PasswordSet { user_id, roles_suspended } = ask(config, request)? {
        output::line(&format!("{user_id} has a new password"))?;
        if roles_suspended {
            output::line(&format!(
                "its roles count for nothing until another officer runs `chancery role restore \
                 {user_id}`"
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
