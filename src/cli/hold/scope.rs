//! One part of a hold on the command line.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::staff::Moment;

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("held").required(true).multiple(true).args(["users", "rooms"])))]
pub(super) struct Part {
    /// A custodian's user id; may stand several times. With rooms: these persons in these rooms.
    #[arg(long = "user", value_name = "USER")]
    users: Vec<String>,
    /// A room id; may stand several times.
    #[arg(long = "room", value_name = "ROOM")]
    rooms: Vec<String>,
    /// In force at this time or later: a day such as 2026-12-01 (UTC), or milliseconds.
    #[arg(long, value_name = "WHEN")]
    from: Option<Moment>,
    /// Received before this time. Left out: also what is still to come.
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

impl Part {
    pub(super) fn json(&self) -> Value {
        json!({
            "users": self.users,
            "rooms": self.rooms,
            "from": self.from.map(|at| at.0),
            "until": self.until.map(|at| at.0),
        })
    }

    /// What it covers, in words.
    pub(super) fn words(&self) -> String {
        let persons = match self.users.as_slice() {
            [] => "everything".to_owned(),
            users => format!("what concerns {}", users.join(", ")),
        };
        let place = match self.rooms.as_slice() {
            [] => "anywhere".to_owned(),
            rooms => format!("in {}", rooms.join(", ")),
        };
        let from = self.from.map_or_else(|| "the beginning".to_owned(), |at| at.to_string());
        let until =
            self.until.map_or_else(|| "on, without an end".to_owned(), |at| format!("until {at}"));
        format!("{persons} {place}, from {from} {until}")
    }
}
