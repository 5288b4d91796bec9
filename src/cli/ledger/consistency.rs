//! `chancery ledger consistency`.

use clap::Args;
use event_log::ledger::{LedgerFiles, hash_lines};
use serde_json::json;

use crate::cli::output;

#[derive(Debug, Args)]
pub(in crate::cli) struct Consistency {
    /// Size of the earlier tree.
    from: u64,
    /// Size of the later one.
    to: u64,
    /// Print `{"from", "to", "hashes"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Consistency, files: &LedgerFiles) -> anyhow::Result<()> {
    let proof = files.consistency(command.from, command.to)?;
    let lines = hash_lines(&proof);
    if command.json {
        let hashes: Vec<_> = lines.lines().collect();
        output::json(&json!({ "from": command.from, "to": command.to, "hashes": hashes }))
    } else {
        output::text(&lines)
    }
}
