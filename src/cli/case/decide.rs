//! `chancery case approve`, `reject` and `close`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::Access;

#[derive(Debug, Args)]
pub(in crate::cli) struct Decide {
    /// Number of the case.
    case: u64,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Decide, how: &str) -> anyhow::Result<()> {
    let path = format!("/cases/{}/{how}", command.case);
    let answer = command.access.post(&path, &json!({ "reason": command.reason }))?;
    command.access.show(&answer, |_| vec![format!("case {}: {how} done", command.case)])
}
