//! `chancery-load`: puts load on any Matrix server through the client-server API and says in JSON
//! how it answered.
//!
//! Owns the scenarios and their measuring. It registers, makes rooms, joins, sends, receives by
//! long polling, syncs from scratch and pages back; beside it measures the bare limit (`bare`) with
//! the same client code, so that a figure can be read as a ratio. Inputs follow from `--seed`. It
//! knows of the server's process only what `/proc` says, and of its files only the sizes of a log's
//! segments, where `--data-dir` names them.

#![expect(clippy::disallowed_methods, reason = "measuring time is what this binary is for")]

#[path = "../../tests/support/http_client.rs"]
#[expect(dead_code, reason = "shared with the tests, which use other parts")]
mod http_client;
#[path = "../../tests/support/matrix_client.rs"]
#[expect(dead_code, reason = "shared with the tests, which use other parts")]
mod matrix_client;

mod accounts;
mod bare;
mod bare_log;
mod curve;
mod deliver;
mod initial_sync;
mod paginate;
mod payload;
mod process;
mod progress;
mod quantiles;
mod receiving;
mod report;
mod send;
mod settings;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use clap::Parser as _;
use serde_json::{Value, json};

use settings::{Scenario, Settings};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("chancery-load: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&settings)) {
        Ok(report) => match writeln!(std::io::stdout(), "{report:#}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("chancery-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<Value> {
    let mut results = serde_json::Map::new();
    for scenario in settings.scenarios() {
        let before = process::Usage::of(settings.server_pid)?;
        let mut result = match scenario {
            Scenario::Send => send::run(settings).await?,
            Scenario::Deliver => deliver::run(settings).await?,
            Scenario::InitialSync => initial_sync::run(settings).await?,
            Scenario::Paginate => paginate::run(settings).await?,
            Scenario::Bare => bare::run(settings).await?,
            Scenario::Curve => curve::run(settings).await?,
            Scenario::All => continue,
        };
        if scenario != Scenario::Bare {
            let after = process::Usage::of(settings.server_pid)?;
            result["server"] = process::spent(before.as_ref(), after.as_ref());
        }
        results.insert(scenario.name().to_owned(), result);
    }
    let ratios = report::ratios(&results);
    Ok(json!({
        "target": settings.server,
        "seed": settings.seed,
        "settings": settings.shown(),
        "scenarios": results,
        "send_over_bare": ratios,
    }))
}
