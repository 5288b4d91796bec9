//! `chancery hold approve-release` and `chancery hold reject-release`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Consent};

#[derive(Debug, Args)]
pub(in crate::cli) struct Decide {
    /// Number of the request for release.
    request: u64,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn approve(command: &Decide) -> anyhow::Result<()> {
    let request = command.request;
    let what = format!(
        "Release {request} will take effect: what it names is no longer held, and policies and \
         erasures destroy of it what they ask for."
    );
    decide(command, "approve", what)
}

pub(super) fn reject(command: &Decide) -> anyhow::Result<()> {
    let what = format!("Release {} will be over; everything stays held.", command.request);
    decide(command, "reject", what)
}

fn decide(command: &Decide, how: &str, what: String) -> anyhow::Result<()> {
    command.consent.ask(&[what])?;
    let path = format!("/holds/releases/{}/{how}", command.request);
    let answer = command.access.post(&path, &json!({ "reason": command.reason }))?;
    command.access.show(&answer, |_| vec![format!("release {}: {how} done", command.request)])
}
