//! `chancery case show`.

use clap::Args;
use serde_json::Value;

use crate::cli::staff::{Access, joined, moment_text, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Number of the case.
    case: u64,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Show) -> anyhow::Result<()> {
    let answer = command.access.get(&format!("/cases/{}", command.case))?;
    command.access.show(&answer, |case| {
        let scope = &case["scope"];
        let decided = |what: &str| {
            let by = &case[what];
            (!by.is_null()).then(|| {
                let at = moment_text(&by["at"]);
                format!("{what} by {} at {at}: {}", text(by, "by"), text(by, "reason"))
            })
        };
        let mut lines = vec![
            line(case),
            format!("persons: {}", joined(scope, "users")),
            format!("rooms: {}", joined(scope, "rooms")),
            format!("from {} until {}", moment_text(&scope["from"]), moment_text(&scope["until"])),
        ];
        lines.extend(decided("approved"));
        lines.extend(decided("ended"));
        lines
    })
}

/// A case on one line.
pub(super) fn line(case: &Value) -> String {
    format!(
        "case {}: {}, by {}, ends {}: {}",
        text(case, "case"),
        text(case, "status"),
        text(case, "requester"),
        moment_text(&case["expires_at"]),
        text(case, "reason"),
    )
}
