//! `chancery views rebuild`.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use projections::{ClientView, source::EntrySource};

use crate::{
    cli::{Failure, Origin, log::open, output},
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

/// The one view so far; search and statistics will be others.
const VIEWS: [&str; 1] = ["client"];

/// The work itself.
fn rebuild(command: &Rebuild, config: &Config) -> anyhow::Result<ExitCode> {
    if let Some(unknown) = command.names.iter().find(|name| !VIEWS.contains(&name.as_str())) {
        return Err(
            Failure::new(format!("there is no view `{unknown}`"), "name one of: client").into()
        );
    }
    let log: Arc<dyn EntrySource> = Arc::new(open(config)?);
    let entries = ClientView::rebuild(&log, &config.server.data_dir, config.server.name.as_str())?;
    output::line(&format!("client: {entries} entries"))?;
    Ok(ExitCode::SUCCESS)
}
