//! `chancery role revoke`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::Access;

#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// `compliance_officer`, `legal`, `auditor` or `data_protection_officer`.
    role: String,
    /// User id of the holder.
    user: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Revoke) -> anyhow::Result<()> {
    let body = json!({ "role": command.role, "user": command.user, "reason": command.reason });
    let answer = command.access.post("/roles/revoke", &body)?;
    command
        .access
        .show(&answer, |_| vec![format!("{} is no {} any more", command.user, command.role)])
}
