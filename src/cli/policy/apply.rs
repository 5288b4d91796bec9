//! `chancery policy apply`.

use std::path::PathBuf;

use clap::Args;
use facts::fact::PolicyDocument;
use policies::read_document;
use serde_json::{Value, json};

use super::check::text_of;
use crate::cli::staff::{Access, Consent, joined, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Apply {
    /// The document (TOML); it replaces the one in force as a whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Apply) -> anyhow::Result<()> {
    let document = text_of(&command.file)?;
    let in_force = command.access.get("/policies")?["version"].as_u64().unwrap_or(0);
    let body = |dry_run: bool| {
        json!({
            "document": document,
            "based_on": in_force,
            "reason": command.reason,
            "dry_run": dry_run,
        })
    };
    // What the server would refuse is said before anybody is asked.
    let tried = command.access.post("/policies", &body(true))?;
    if command.dry_run {
        return command.access.show(&tried, |tried| what_changes(in_force, tried));
    }
    let mut what = what_changes(in_force, &tried);
    if read_document(&document).is_ok_and(|document| locks(&document)) {
        what.push("What is `locked` in it cannot be undone.".into());
    }
    what.push(
        "What is over by it is hidden from clients at once, and destroyed for ever by the next run. \
         `chancery policy plan` will say what that is."
            .into(),
    );
    command.consent.ask(&what)?;
    let answer = command.access.post("/policies", &body(false))?;
    command
        .access
        .show(&answer, |answer| vec![format!("version {} is in force", text(answer, "version"))])
}

/// Whether anything in the document is locked.
fn locks(document: &PolicyDocument) -> bool {
    document.policies.values().any(|policy| policy.locked)
        || document.redaction.as_ref().is_some_and(|redaction| redaction.locked)
}

fn what_changes(in_force: u64, tried: &Value) -> Vec<String> {
    let changes = &tried["changes"];
    let mut lines = vec![match in_force {
        0 => "Version 1 will be the first to be in force.".to_owned(),
        _ => format!("Version {} will replace version {in_force}.", text(tried, "version")),
    }];
    for kind in ["added", "changed", "removed"] {
        lines.push(format!("{kind}: {}", joined(changes, kind)));
    }
    for section in ["redaction", "room_retention"] {
        if changes[section] == true {
            lines.push(format!("[{section}] changes"));
        }
    }
    lines
}
