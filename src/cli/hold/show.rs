//! `chancery hold show`.

use clap::Args;
use serde_json::Value;

use crate::cli::staff::{Access, joined, list, moment_text, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Number of the hold.
    hold: u64,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Show) -> anyhow::Result<()> {
    let answer = command.access.get(&format!("/holds/{}", command.hold))?;
    command.access.show(&answer, |hold| {
        let mut lines = vec![line(hold)];
        lines.extend(list(hold, "parts").iter().map(part));
        lines.extend(list(hold, "custodians").iter().map(|custodian| {
            let told = match &custodian["notified_at"] {
                Value::Null => "not told yet".to_owned(),
                at => format!("told at {}", moment_text(at)),
            };
            format!("custodian {}: {told}", text(custodian, "user"))
        }));
        lines
    })
}

fn part(part: &Value) -> String {
    format!(
        "part {}: persons {}; rooms {}; from {} until {}",
        text(part, "part"),
        joined(part, "users"),
        joined(part, "rooms"),
        moment_text(&part["from"]),
        moment_text(&part["until"]),
    )
}

/// A hold on one line.
pub(super) fn line(hold: &Value) -> String {
    let release = &hold["release"];
    let waits = if release.is_null() {
        String::new()
    } else {
        let (request, by) = (text(release, "request"), text(release, "requester"));
        format!("; release {request} by {by} waits for another officer")
    };
    format!(
        "hold {}: {}, by {} at {}, {} parts{waits}",
        text(hold, "hold"),
        text(hold, "matter"),
        text(hold, "placed_by"),
        moment_text(&hold["placed_at"]),
        list(hold, "parts").len(),
    )
}
