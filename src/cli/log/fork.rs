//! `chancery log fork`: going on with a data directory that is an older copy of itself.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use event_log::{GoOn, Log};
use facts::fact::ForkReason;
use serde_json::json;

use super::open::open;
use crate::{
    backup::{Newest, newest_than},
    cli::{Failure, Origin, backup::advised, output, restore::Newer, staff::Consent},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Fork {
    #[command(flatten)]
    newer: Newer,
    /// Print `{"kept_through", "incarnation", "orders"}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(command: &Fork, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    // Recovers the log and carries out the orders that it has, as a start does.
    let log = open(&config)?;
    let done = fork(command, origin, &config, &log).map_err(advised);
    log.close();
    done
}

fn fork(command: &Fork, origin: &Origin, config: &Config, log: &Log) -> anyhow::Result<ExitCode> {
    let newest = newest_than(config, log, command.newer.request(origin)?)?;
    let end = log.head();
    command.consent.ask(&words(&newest, end.0 + 1))?;
    let orders = newest.orders.len();
    let how =
        GoOn { reason: ForkReason::OperatorCut, above: newest.incarnation, orders: newest.orders };
    let incarnation = log.go_on(how).map_err(|error| {
        Failure::new(
            format!("no new incarnation could be begun: {:#}", anyhow::Error::new(error)),
            "remove the cause and run it again",
        )
    })?;
    log.scavenge().context("what is destroyed could not be dropped from the segments")?;
    if command.json {
        output::json(&json!({
            "kept_through": end, "incarnation": incarnation, "orders": orders,
        }))?;
    } else {
        output::line(&format!(
            "The log goes on after position {end}, in incarnation {incarnation}; {orders} orders \
             to destroy were carried out."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn words(newest: &Newest, entries: u64) -> Vec<String> {
    let lost = newest.entries.saturating_sub(entries);
    let known = match &newest.place {
        Some(place) => format!("{lost} later entries, which stand in {place}, are given up."),
        None => "Entries that came after these are given up; no newer copy was named.".to_owned(),
    };
    vec![
        format!("This log goes on with its first {entries} entries."),
        known,
        format!("{} orders to destroy among them are carried out first.", newest.orders.len()),
        "A new incarnation begins: clients sync from scratch, and whoever watches the ledger sees \
         that the log was continued from an older copy. This cannot be taken back."
            .to_owned(),
    ]
}
