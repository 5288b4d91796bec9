//! `chancery user list`.

use std::process::ExitCode;

use clap::Args;

use super::ask::ask;
use crate::{
    cli::{Origin, output},
    config::Config,
    user_admin::{AccountLine, UserAnswer, UserRequest},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &List, origin: &Origin) -> anyhow::Result<ExitCode> {
    list(command, &origin.config()?)
}

fn list(command: &List, config: &Config) -> anyhow::Result<ExitCode> {
    let mut after = None;
    loop {
        let UserAnswer::Accounts { accounts } = ask(config, UserRequest::List { after })? else {
            return Ok(ExitCode::FAILURE);
        };
        let Some(last) = accounts.last() else { return Ok(ExitCode::SUCCESS) };
        after = Some(last.stream);
        for account in &accounts {
            print(command, account)?;
        }
    }
}

fn print(command: &List, account: &AccountLine) -> anyhow::Result<()> {
    if command.json {
        return output::json(&serde_json::to_value(account)?);
    }
    let admin = if account.admin { "  administrator" } else { "" };
    let deactivated = if account.deactivated { "  deactivated" } else { "" };
    output::line(&format!("{}{admin}{deactivated}", account.user_id))
}
