//! `chancery hold place`.

use clap::Args;
use serde_json::json;

use super::scope::Part;
use crate::cli::staff::{Access, Consent, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Place {
    /// Name of the matter.
    #[arg(long)]
    matter: String,
    #[command(flatten)]
    part: Part,
    /// Number of the case that it belongs to.
    #[arg(long)]
    case: Option<u64>,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Place) -> anyhow::Result<()> {
    command.consent.ask(&[
        format!("A hold for the matter \"{}\" will forbid destroying:", command.matter),
        format!("  {}", command.part.words()),
        "It ends only when two officers agree.".to_owned(),
    ])?;
    let body = json!({
        "matter": command.matter,
        "parts": [command.part.json()],
        "case": command.case,
        "reason": command.reason,
    });
    let answer = command.access.post("/holds", &body)?;
    command.access.show(&answer, |answer| {
        let hold = text(answer, "hold");
        vec![format!("hold {hold} is in force; tell its custodians: chancery hold notify {hold}")]
    })
}
