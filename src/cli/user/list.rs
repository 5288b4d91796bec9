//! `chancery user list`.

use std::process::ExitCode;

use clap::Args;

use crate::{
    cli::{Failure, Origin},
    config::Config,
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

/// The work itself.
fn list(_command: &List, _config: &Config) -> anyhow::Result<ExitCode> {
    Err(Failure::missing("user list", "accounts").into())
}
