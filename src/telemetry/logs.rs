//! Log output on standard error.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Config, LogFormat};

/// Starts log output for the process. Fails if it was started before.
pub(crate) fn start_logs(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.telemetry.filter).context("telemetry.filter")?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.telemetry.format {
        LogFormat::Text => {
            let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
            registry.with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().with_writer(io::stderr);
            registry.with(lines).try_init()
        }
    };
    started.context("log output was started before")
}
