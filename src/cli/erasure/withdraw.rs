//! `chancery erasure withdraw`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Consent};

#[derive(Debug, Args)]
pub(in crate::cli) struct Withdraw {
    /// Number of the erasure.
    request: u64,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Withdraw) -> anyhow::Result<()> {
    let request = command.request;
    command.consent.ask(&[format!(
        "Erasure {request} will be taken back. What was destroyed meanwhile stays destroyed."
    )])?;
    let body = json!({ "reason": command.reason });
    let answer = command.access.post(&format!("/erasures/{request}/withdraw"), &body)?;
    command.access.show(&answer, |_| vec![format!("erasure {request} is taken back")])
}
