//! `chancery erasure list`.

use clap::Args;

use crate::cli::staff::{Access, list, moment_text, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &List) -> anyhow::Result<()> {
    let answer = command.access.get("/erasures")?;
    command.access.show(&answer, |answer| {
        let line = |erasure| {
            let held: Vec<String> =
                list(erasure, "held_by").iter().map(ToString::to_string).collect();
            let held = if held.is_empty() {
                String::new()
            } else {
                format!("; holds {} may keep some of it", held.join(", "))
            };
            format!(
                "erasure {} of {}, by {} at {}{held}",
                text(erasure, "request"),
                text(erasure, "user"),
                text(erasure, "requester"),
                moment_text(&erasure["requested_at"]),
            )
        };
        list(answer, "erasures").iter().map(line).collect()
    })
}
