//! `chancery role list`.

use clap::Args;

use crate::cli::staff::{Access, joined, list, moment_text, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &List) -> anyhow::Result<()> {
    let answer = command.access.get("/roles")?;
    command.access.show(&answer, |answer| {
        let holders = list(answer, "holders")
            .iter()
            .map(|holder| format!("{}  {}", text(holder, "user"), joined(holder, "roles")));
        let requests = list(answer, "requests").iter().map(|request| {
            format!(
                "request {}: {} for {}, by {}, until {}: {}",
                text(request, "request"),
                text(request, "role"),
                text(request, "grantee"),
                text(request, "requester"),
                moment_text(&request["expires_at"]),
                text(request, "reason"),
            )
        });
        holders.chain(requests).collect()
    })
}
