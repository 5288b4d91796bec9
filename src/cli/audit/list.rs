//! `chancery audit list`.

use clap::Args;
use serde_json::Value;

use super::Filter;
use crate::cli::{
    output,
    staff::{Access, moment_text, text},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// With `--json`, one object a line.
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &List) -> anyhow::Result<()> {
    let mut found = false;
    command.filter.each(&command.access, |entry| {
        found = true;
        if command.access.is_json() { output::json(entry) } else { output::line(&line(entry)) }
    })?;
    if !found {
        // Somebody who typed a name wrongly must not read this as "did nothing".
        output::note(
            "No entry of the audit trail is about that; user ids are written @name:server.",
        );
    }
    Ok(())
}

fn line(entry: &Value) -> String {
    let (position, at) = (text(entry, "position"), moment_text(&entry["recorded_at"]));
    let named = ["kind", "actor", "address", "subject"].map(|key| text(entry, key)).join("  ");
    if entry["destroyed"] == true {
        return format!("{position}  {at}  {named}  (destroyed)");
    }
    let details = text(entry, "details");
    // Quoted, so that a reason with line ends stays one line.
    let reason = entry["reason"].as_str().map(|reason| format!("  {reason:?}"));
    format!("{position}  {at}  {named}  {details}{}", reason.unwrap_or_default())
}
