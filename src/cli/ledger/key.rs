//! `chancery ledger key`.

use clap::Args;
use event_log::ledger::LedgerFiles;
use serde_json::json;

use crate::cli::output;

#[derive(Debug, Args)]
pub(in crate::cli) struct Key {
    /// Print every key that the log states, with the word of the key before: one line each, for
    /// `chancery verify --keys-file`.
    #[arg(long)]
    all: bool,
    /// Print `{"key"}`, or with --all a list of `{"position", "key", "line"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Key, files: &LedgerFiles) -> anyhow::Result<()> {
    if !command.all {
        let key = files.signing_key()?.to_string();
        return if command.json {
            output::json(&json!({ "key": key }))
        } else {
            output::line(&key)
        };
    }
    let keys = files.keys();
    if command.json {
        let listed = keys.iter().map(|stated| {
            json!({
                "position": stated.position,
                "key": stated.key.to_string(),
                "line": stated.to_string(),
            })
        });
        return output::json(&listed.collect());
    }
    keys.iter().try_for_each(|stated| output::line(&stated.to_string()))
}
