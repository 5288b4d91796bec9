//! `chancery log verify`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use event_log::VerifyReport;

use super::open::{log_exists, options};
use crate::{
    cli::{Origin, output},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// Print `{"ok", "entries", "head", "torn_tail_bytes", "fault"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Verify, origin: &Origin) -> anyhow::Result<ExitCode> {
    let report = verify(&origin.config()?)?;
    if command.json {
        output::json(&serde_json::to_value(&report)?)?;
    } else {
        output::line(&in_words(&report))?;
    }
    Ok(ExitCode::from(u8::from(!report.ok)))
}

/// Checks the segments without keys: the digests cover the sealed bytes, so nothing can be changed
/// unseen. Opening the keyring beside a running server could remove a key that it is just writing.
fn verify(config: &Config) -> anyhow::Result<VerifyReport> {
    let options = options(config);
    log_exists(&options)?;
    event_log::verify(&options.segments_dir(), None).context("the log cannot be read")
}

fn in_words(report: &VerifyReport) -> String {
    let entries = report.entries;
    let torn = report.torn_tail_bytes;
    let words = match &report.fault {
        None => format!("The log is right; entries: {entries}."),
        Some(fault) => format!("FAULT; entries before it: {entries}; {fault}."),
    };
    if torn == 0 {
        return words;
    }
    format!(
        "{words} A torn last write of {torn} bytes, which was never acknowledged, will be cut at \
         the next start."
    )
}
