//! `chancery role grant`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Grant {
    /// `compliance_officer`, `legal`, `auditor` or `data_protection_officer`.
    role: String,
    /// User id of somebody else, with an account of this server.
    user: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Grant) -> anyhow::Result<()> {
    let body = json!({ "role": command.role, "user": command.user, "reason": command.reason });
    let answer = command.access.post("/roles/requests", &body)?;
    command.access.show(&answer, |answer| {
        let request = text(answer, "request");
        vec![format!(
            "request {request} waits for another officer: chancery role approve {request}"
        )]
    })
}
