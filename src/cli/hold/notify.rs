//! `chancery hold notify`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Consent};

#[derive(Debug, Args)]
pub(in crate::cli) struct Notify {
    /// Number of the hold.
    hold: u64,
    /// A custodian who was told; may stand several times.
    #[arg(long = "user", value_name = "USER", required = true)]
    users: Vec<String>,
    /// How they were told.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Notify) -> anyhow::Result<()> {
    let (hold, users) = (command.hold, command.users.join(", "));
    command.consent.ask(&[
        format!("It will be recorded that you told {users} of hold {hold}."),
        "The server sends them nothing.".to_owned(),
    ])?;
    let body = json!({ "users": command.users, "reason": command.reason });
    let answer = command.access.post(&format!("/holds/{hold}/notified"), &body)?;
    command.access.show(&answer, |_| vec![format!("hold {hold}: {users} were told")])
}
