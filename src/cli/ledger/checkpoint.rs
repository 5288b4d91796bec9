//! `chancery ledger checkpoint`.

use clap::Args;
use event_log::ledger::LedgerFiles;
use serde_json::json;

use crate::cli::output;

#[derive(Debug, Args)]
pub(in crate::cli) struct Checkpoint {
    /// Print `{"origin", "size", "root", "note"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Checkpoint, files: &LedgerFiles) -> anyhow::Result<()> {
    let published = files.published();
    let (checkpoint, note) = (&published.checkpoint, published.note.to_string());
    if command.json {
        output::json(&json!({
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": hex::encode(checkpoint.root),
            "note": note,
        }))
    } else {
        output::text(&note)
    }
}
