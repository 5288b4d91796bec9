//! `chancery case read`.

use clap::Args;
use serde_json::Value;

use crate::cli::{
    output,
    staff::{Access, list, moment_text, text},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Read {
    /// Number of the case.
    case: u64,
    /// Go on from here: `next` of an earlier answer.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    from: u64,
    /// Entries in a page, at most 1000.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Read one page only.
    #[arg(long)]
    page: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Read) -> anyhow::Result<()> {
    let mut from = command.from;
    loop {
        let (case, limit) = (command.case, command.limit);
        let page =
            command.access.get(&format!("/cases/{case}/events?from={from}&limit={limit}"))?;
        command.access.show(&page, |page| list(page, "events").iter().map(line).collect())?;
        let next = page["next"].as_u64().unwrap_or(from);
        let over = page["done"] == true || next <= from;
        if over || command.page {
            if !over && !command.access.is_json() {
                output::line(&format!("there is more: --from {next}"))?;
            }
            return Ok(());
        }
        from = next;
    }
}

fn line(item: &Value) -> String {
    let (position, at) = (text(item, "position"), moment_text(&item["recorded_at"]));
    let what = match item["kind"].as_str() {
        Some("event") => {
            let event = &item["event"];
            let (sender, kind) = (text(event, "sender"), text(event, "type"));
            let content = if item["content_destroyed"] == true {
                "(destroyed)".to_owned()
            } else {
                text(event, "content")
            };
            format!("{}  {sender}  {kind}  {content}", text(item, "room_id"))
        }
        Some("redaction_applied") => {
            format!("{}  entry {} is redacted", text(item, "room_id"), text(item, "target"))
        }
        Some("profile") => {
            let (user, field) = (text(item, "user_id"), text(item, "field"));
            format!("{user}  {field} = {}", text(item, "value"))
        }
        _ => "(destroyed)".to_owned(),
    };
    format!("{position}  {at}  {what}")
}
