//! `chancery log stat`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use event_log::LogStat;

use super::open::open;
use crate::{
    cli::{Origin, output},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Stat {
    /// Print the numbers as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Stat, origin: &Origin) -> anyhow::Result<ExitCode> {
    let stat = stat(&origin.config()?)?;
    if command.json {
        output::json(&serde_json::to_value(&stat)?)?;
    } else {
        output::text(&in_words(&stat))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stat(config: &Config) -> anyhow::Result<LogStat> {
    let log = open(config)?;
    let stat = log.stat().context("the segments cannot be read")?;
    log.close();
    Ok(stat)
}

fn in_words(stat: &LogStat) -> String {
    format!(
        "log id             {}\nincarnation        {}\nentries            {}\nhead               {}\n\
         segments           {}\nbytes              {}\nkey epoch          {}\n\
         destroyed through  {}\n",
        stat.log_id,
        stat.incarnation,
        stat.entries,
        stat.head,
        stat.segments,
        stat.bytes,
        stat.epoch,
        stat.destroyed_through,
    )
}
