//! `chancery ledger prove`.

use clap::Args;
use event_log::ledger::LedgerFiles;
use facts::LogPosition;
use serde_json::json;

use crate::cli::output;

#[derive(Debug, Args)]
pub(in crate::cli) struct Prove {
    /// Position of the entry, from 0.
    position: u64,
    /// Print `{"position", "size", "digest", "proof"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Prove, files: &LedgerFiles) -> anyhow::Result<()> {
    let proof = files.prove(LogPosition(command.position))?;
    if command.json {
        output::json(&json!({
            "position": proof.index,
            "size": files.published().checkpoint.size,
            "digest": proof.digest().map(hex::encode),
            "proof": proof.to_string(),
        }))
    } else {
        output::text(&proof.to_string())
    }
}
