//! `chancery hold release`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Consent, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Release {
    /// Number of the hold.
    hold: u64,
    /// Only this part, by its number; may stand several times.
    #[arg(long = "part", value_name = "PART")]
    parts: Vec<u32>,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Release) -> anyhow::Result<()> {
    let hold = command.hold;
    let numbers: Vec<String> = command.parts.iter().map(ToString::to_string).collect();
    let (parts, what) = if numbers.is_empty() {
        (None, format!("all of hold {hold}"))
    } else {
        (Some(&command.parts), format!("part {} of hold {hold}", numbers.join(", ")))
    };
    command.consent.ask(&[
        format!("Another officer will be asked to agree that {what} ends."),
        "Until then everything stays held. Once it ends, policies and erasures destroy what they \
         ask for."
            .to_owned(),
    ])?;
    let body = json!({ "parts": parts, "reason": command.reason });
    let answer = command.access.post(&format!("/holds/{hold}/release"), &body)?;
    command.access.show(&answer, |answer| {
        let request = text(answer, "request");
        vec![format!(
            "release {request} waits for another officer: chancery hold approve-release {request}"
        )]
    })
}
