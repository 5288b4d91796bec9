//! `chancery restore`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use facts::LogPosition;

use super::{Origin, backup::advised, output, staff::Consent};
use crate::{
    backup::{NewestRequest, Place, Restore as Plan},
    clock::SystemClock,
};

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup of log and media; `s3://bucket/prefix` by the configuration's section [offsite].
    #[arg(long, value_name = "DIR|s3://…")]
    from: String,
    /// The backup of the keys.
    #[arg(long, value_name = "DIR")]
    keyring_from: PathBuf,
    /// The data directory to make; nothing may be there.
    #[arg(long, value_name = "DATA_DIR")]
    to: PathBuf,
    /// The last entry to keep, from 0. Where it is inside a batch, the batch before is the last.
    #[arg(long, value_name = "N")]
    position: Option<u64>,
    #[command(flatten)]
    newer: Newer,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What is known of entries that an older copy lacks.
#[derive(Debug, Args)]
pub(super) struct Newer {
    /// A newer copy (a data directory, also one that is in use, or a backup): what was ordered
    /// destroyed there is destroyed here before anything is read. May be given several times.
    #[arg(long, value_name = "DIR|s3://…")]
    orders_from: Vec<String>,
    /// A checkpoint that somebody kept: nothing goes on while it covers more than the newest copy.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Go on all the same, and give up the orders among the first so many entries.
    #[arg(long, value_name = "ENTRIES")]
    give_up_orders_through: Option<u64>,
}

impl Newer {
    pub(super) fn request(&self, origin: &Origin) -> anyhow::Result<NewestRequest> {
        let mut checkpoints = Vec::new();
        for path in &self.checkpoints {
            let note = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            checkpoints.push((path.display().to_string(), note));
        }
        Ok(NewestRequest {
            copies: self
                .orders_from
                .iter()
                .map(|text| place(text, origin))
                .collect::<anyhow::Result<_>>()?,
            checkpoints,
            give_up_through: self.give_up_orders_through,
        })
    }
}

/// A place as it was named; the configuration is read for those that it describes.
fn place(text: &str, origin: &Origin) -> anyhow::Result<Place> {
    let offsite = if text.starts_with("s3://") { Some(origin.config()?.offsite) } else { None };
    Ok(Place::parse(text, offsite.as_ref())?)
}

pub(super) fn run(command: &Restore, origin: &Origin) -> anyhow::Result<ExitCode> {
    restore(command, origin).map_err(advised)
}

fn restore(command: &Restore, origin: &Origin) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        from: place(&command.from, origin)?,
        keys_from: command.keyring_from.clone(),
        to: command.to.clone(),
        position: command.position.map(LogPosition),
        newest: command.newer.request(origin)?,
    };
    let ready = plan.prepare()?;
    command.consent.ask(&ready.words(SystemClock.now_ms()))?;
    let report = ready
        .run(Arc::new(SystemClock))
        .with_context(|| format!("nothing was restored to {}", command.to.display()))?;
    if command.json {
        output::json(&serde_json::to_value(&report)?)?;
    } else {
        output::line(&format!(
            "Restored to position {}, in incarnation {}: {} files of media; {} later entries are \
             not here, and {} orders to destroy among them were carried out. Start the server with \
             server.data_dir = \"{}\"; it makes its views anew.",
            report.kept_through,
            report.incarnation,
            report.media,
            report.left_out,
            report.orders,
            command.to.display(),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
