//! `chancery user create`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{ask::ask, password};
use crate::{
    cli::{Origin, output},
    config::Config,
    user_admin::{UserAnswer, UserRequest},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// The part of the user id before the colon: a-z, 0-9 and the characters . _ = - / +
    localpart: String,
    /// Make the account a server administrator.
    #[arg(long)]
    admin: bool,
    /// Why, for the audit trail.
    #[arg(long)]
    reason: Option<String>,
    /// File with the password. Without it the password is asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(command: &Create, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    let password = password::read(command.password_file.as_deref())?;
    create(command, &config, password)
}

fn create(command: &Create, config: &Config, password: String) -> anyhow::Result<ExitCode> {
    let request = UserRequest::Create {
        localpart: command.localpart.clone(),
        password,
        admin: command.admin,
        reason: command.reason.clone(),
    };
    if let UserAnswer::Done { user_id } = ask(config, request)? {
        output::line(&format!("created {user_id}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
