//! `chancery policy explain`.

use clap::Args;

use crate::cli::staff::{Access, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// Id of the event.
    #[arg(value_name = "EVENT_ID")]
    event_id: String,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Explain) -> anyhow::Result<()> {
    let id = encoded(&command.event_id);
    let answer = command.access.get(&format!("/policies/explain?event_id={id}"))?;
    command.access.show(&answer, |answer| {
        let kind = text(answer, "kind");
        let head = format!("entry {} ({kind}): {}", text(answer, "position"), text(answer, "text"));
        head.lines().map(str::to_owned).collect()
    })
}

/// A value of a query.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
