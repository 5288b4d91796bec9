//! `chancery log scavenge`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::open::open;
use crate::{
    cli::{Origin, output},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Scavenge {
    /// Print `{"parts", "bytes"}`: what was dropped.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Scavenge, origin: &Origin) -> anyhow::Result<ExitCode> {
    let (parts, bytes) = scavenge(&origin.config()?)?;
    if command.json {
        output::json(&json!({ "parts": parts, "bytes": bytes }))?;
    } else {
        output::line(&format!("Dropped {parts} parts, {bytes} bytes."))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Drops what can no longer be opened. A crash between two segments leaves some scavenged and some
/// not; the next run goes on, for each segment is replaced whole.
fn scavenge(config: &Config) -> anyhow::Result<(u64, u64)> {
    let log = open(config)?;
    let dropped = log.scavenge().context("scavenging did not finish")?;
    log.close();
    Ok(dropped)
}
