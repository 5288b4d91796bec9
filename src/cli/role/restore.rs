//! `chancery role restore`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::Access;

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// User id of the holder for whom you vouch.
    user: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Restore) -> anyhow::Result<()> {
    let body = json!({ "user": command.user, "reason": command.reason });
    let answer = command.access.post("/roles/restore", &body)?;
    command.access.show(&answer, |_| vec![format!("the roles of {} count again", command.user)])
}
