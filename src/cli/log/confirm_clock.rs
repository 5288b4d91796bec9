//! `chancery log confirm-clock`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::open::open;
use crate::cli::{Origin, output};

#[derive(Debug, Args)]
pub(in crate::cli) struct ConfirmClock {}

pub(super) fn run(_command: &ConfirmClock, origin: &Origin) -> anyhow::Result<ExitCode> {
    let log = open(&origin.config()?)?;
    let jump = log.unconfirmed_clock_jump();
    log.confirm_clock().context("the confirmation was not stored")?;
    log.close();
    output::line(&match jump {
        Some(jump) => {
            format!("The clock's jump at position {jump} is confirmed; destruction goes on.")
        }
        None => "There is no jump of the clock to confirm.".to_owned(),
    })?;
    Ok(ExitCode::SUCCESS)
}
