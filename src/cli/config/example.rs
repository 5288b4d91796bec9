//! `chancery config example`.

use std::process::ExitCode;

use crate::{cli::output, config::example};

pub(super) fn run() -> anyhow::Result<ExitCode> {
    output::text(&example())?;
    Ok(ExitCode::SUCCESS)
}
