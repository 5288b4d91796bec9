//! `chancery case open`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Moment, text};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("scope").required(true).multiple(true).args(["users", "rooms"])))]
pub(in crate::cli) struct Open {
    /// A person's user id; may stand several times. With rooms: these persons in these rooms.
    #[arg(long = "user", value_name = "USER")]
    users: Vec<String>,
    /// A room id; may stand several times.
    #[arg(long = "room", value_name = "ROOM")]
    rooms: Vec<String>,
    /// Received at this time or later: a day such as 2026-12-01 (UTC), or milliseconds.
    #[arg(long, value_name = "WHEN")]
    from: Option<Moment>,
    /// Received before this time.
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// When the case ends, at most 366 days from now.
    #[arg(long, value_name = "WHEN")]
    expires: Moment,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Open) -> anyhow::Result<()> {
    let body = json!({
        "users": command.users,
        "rooms": command.rooms,
        "from": command.from.map(|at| at.0),
        "until": command.until.map(|at| at.0),
        "expires_at": command.expires.0,
        "reason": command.reason,
    });
    let answer = command.access.post("/cases", &body)?;
    command.access.show(&answer, |answer| {
        let case = text(answer, "case");
        vec![format!("case {case} waits for another officer: chancery case approve {case}")]
    })
}
