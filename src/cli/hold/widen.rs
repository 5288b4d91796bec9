//! `chancery hold widen`.

use clap::Args;
use serde_json::json;

use super::scope::Part;
use crate::cli::staff::{Access, Consent};

#[derive(Debug, Args)]
pub(in crate::cli) struct Widen {
    /// Number of the hold.
    hold: u64,
    #[command(flatten)]
    part: Part,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Widen) -> anyhow::Result<()> {
    let hold = command.hold;
    command.consent.ask(&[
        format!("Hold {hold} will also forbid destroying:"),
        format!("  {}", command.part.words()),
        "A release of it that waits is over by that.".to_owned(),
    ])?;
    let body = json!({ "parts": [command.part.json()], "reason": command.reason });
    let answer = command.access.post(&format!("/holds/{hold}/widen"), &body)?;
    command.access.show(&answer, |_| vec![format!("hold {hold} is wider")])
}
