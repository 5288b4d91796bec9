//! `chancery policy run`.

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::receipts::lines_of;
use crate::cli::{
    Failure,
    shown::shown,
    staff::{Access, Consent, list},
};

/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// Why now; it stands in the receipt.
    #[arg(long)]
    reason: String,
    /// Do not wait for the end of the run.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Run) -> anyhow::Result<()> {
    command.consent.ask(&[
        "What is due by the policies, erasures and redactions is destroyed for ever: here, and in \
         every backup once its keyring is gone."
            .to_owned(),
        "`chancery policy plan` says what that is. Nothing that a hold or a floor keeps is touched."
            .to_owned(),
    ])?;
    let access = &command.access;
    let asked = access.post("/policies/run", &json!({ "reason": command.reason }))?;
    if command.no_wait {
        return access.show(&asked, |_| vec!["a run was asked for".to_owned()]);
    }
    let ticket = asked["ticket"].as_u64().unwrap_or(0);
    let mut told = Value::Null;
    let last = loop {
        let status = access.get("/policies/run").context(
            "the run was asked for, and how it ended is not known: `chancery policy receipts` \
             tells what it came to, and another `chancery policy run` goes on with it",
        )?;
        if status["waiting"] != told {
            told = status["waiting"].clone();
            tell_of_waiting(&told)?;
        }
        if status["answered"].as_u64().unwrap_or(0) >= ticket && status["running"] != true {
            break status["last"].clone();
        }
        thread::sleep(PAUSE);
    };
    if let Some(why) = last["failed"].as_str() {
        bail!(Failure::new(
            format!("the run did not come to its end: {why}"),
            "what it destroyed until then stays destroyed; `chancery policy run` goes on",
        ));
    }
    let receipt = receipt_at(access, &last)?;
    access.show(&receipt, lines_of)
}

/// What was destroyed is destroyed; the receipt waits.
fn tell_of_waiting(waiting: &Value) -> io::Result<()> {
    let mut out = io::stderr().lock();
    match (waiting["order"].as_u64(), waiting["trouble"].as_str()) {
        (None, _) => Ok(()),
        (Some(order), None) => {
            writeln!(out, "The keys are gone. The receipt waits for order {order} to be off-site.")
        }
        (Some(order), Some(trouble)) => writeln!(
            out,
            "The keys are gone. The receipt waits for order {order} to be off-site, which cannot be \
             reached: {}",
            shown(trouble)
        ),
    }
}

fn receipt_at(access: &Access, last: &Value) -> anyhow::Result<Value> {
    let Some(at) = last["receipt"].as_u64() else { return Ok(last.clone()) };
    let page = access.get(&format!("/policies/receipts?from={at}&last={at}"))?;
    Ok(list(&page, "receipts").first().cloned().unwrap_or(Value::Null))
}
