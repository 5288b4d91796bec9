//! `chancery erasure request`.

use clap::Args;
use serde_json::json;

use crate::cli::staff::{Access, Consent, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Request {
    /// User id of the person; of this server or another.
    user: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Request) -> anyhow::Result<()> {
    let user = &command.user;
    command.consent.ask(&[
        format!("The erasure of {user} will be on record: what they wrote until now is to go."),
        "What a hold or a floor keeps waits for its end.".to_owned(),
        "It is hidden from clients at once. The next run ends the account, if it is one of this \
         server, leaves its rooms, and destroys the keys for ever."
            .to_owned(),
    ])?;
    let body = json!({ "user": user, "reason": command.reason });
    let answer = command.access.post("/erasures", &body)?;
    command.access.show(&answer, |answer| {
        let request = text(answer, "request");
        vec![format!("erasure {request} of {user} is on record")]
    })
}
