//! `chancery ledger rotate-key`.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use event_log::{SystemRandom, ledger::Ledger};
use serde_json::json;

use crate::{
    cli::{log::open, output},
    clock::SystemClock,
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct RotateKey {
    /// Print `{"key"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &RotateKey, config: &Config) -> anyhow::Result<()> {
    let log = Arc::new(open(config)?);
    let ledger = Ledger::open(Arc::clone(&log), &SystemRandom).context("the ledger")?;
    let key = ledger.rotate_key(&SystemRandom).context("the key was not rotated")?.to_string();
    log.close();
    // Once and no more: what was appended last is taken in and synced.
    ledger.follow(Duration::ZERO, &SystemClock, |_| false)?;
    if command.json {
        return output::json(&json!({ "key": key }));
    }
    output::line(&key)
}
