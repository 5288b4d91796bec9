//! `chancery views rebuild`.

use std::process::ExitCode;

use clap::Args;

use crate::{
    cli::{Failure, Origin},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Rebuild {
    /// Names of views; without any, all of them.
    names: Vec<String>,
}

pub(super) fn run(command: &Rebuild, origin: &Origin) -> anyhow::Result<ExitCode> {
    rebuild(command, &origin.config()?)
}

/// The work itself.
fn rebuild(_command: &Rebuild, _config: &Config) -> anyhow::Result<ExitCode> {
    Err(Failure::missing("views rebuild", "the views").into())
}
