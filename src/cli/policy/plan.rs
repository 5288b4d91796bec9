//! `chancery policy plan`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{
    output,
    staff::{Access, list, text},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// Go on from here: `next` of an earlier answer.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    from: u64,
    /// Records in a page, at most 1000.
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
    /// Plan one page only.
    #[arg(long)]
    page: bool,
    /// Print every record as well, not only how many there are.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Default)]
struct Totals {
    groups: BTreeMap<[String; 4], u64>,
    kept: u64,
    unjudged: BTreeMap<String, u64>,
}

pub(super) fn run(command: &Plan) -> anyhow::Result<()> {
    let (access, mut from, mut totals) = (&command.access, command.from, Totals::default());
    let mut last = String::new();
    let done = loop {
        let path = format!("/policies/plan?from={from}&limit={}{last}", command.limit);
        let page = access.get(&path)?;
        if last.is_empty() {
            last = format!("&last={}", page["last"]);
        }
        totals.add(&page);
        if command.list {
            for record in list(&page, "records") {
                let line = if access.is_json() { record.to_string() } else { record_line(record) };
                output::line(&line)?;
            }
        }
        let next = page["next"].as_u64().unwrap_or(from);
        let over = page["done"] == true || next <= from;
        from = next;
        if over || command.page {
            break over;
        }
    };
    let answer = totals.json(from, done);
    access.show(&answer, lines)
}

impl Totals {
    fn add(&mut self, page: &Value) {
        for group in list(page, "counts") {
            let key = ["room_id", "kind", "fate", "extent"].map(|key| text(group, key));
            *self.groups.entry(key).or_default() += group["records"].as_u64().unwrap_or(0);
        }
        self.kept += page["kept"].as_u64().unwrap_or(0);
        for (kind, records) in page["unjudged"].as_object().into_iter().flatten() {
            *self.unjudged.entry(kind.clone()).or_default() += records.as_u64().unwrap_or(0);
        }
    }

    fn json(self, next: u64, done: bool) -> Value {
        let group = |([room, kind, fate, extent], records): ([String; 4], u64)| {
            json!({
                "room_id": room,
                "kind": kind,
                "fate": fate,
                "extent": extent,
                "records": records,
            })
        };
        json!({
            "counts": self.groups.into_iter().map(group).collect::<Vec<_>>(),
            "kept": self.kept,
            "unjudged": self.unjudged,
            "next": next,
            "done": done,
        })
    }
}

fn record_line(record: &Value) -> String {
    format!(
        "{}  {}  {}  {} {}  {}",
        text(record, "position"),
        text(record, "room_id"),
        text(record, "kind"),
        text(record, "fate"),
        text(record, "extent"),
        text(record, "decided_by"),
    )
}

fn lines(totals: &Value) -> Vec<String> {
    let mut lines: Vec<String> = list(totals, "counts")
        .iter()
        .map(|group| {
            format!(
                "{}  {}  {} {}: {} records",
                text(group, "room_id"),
                text(group, "kind"),
                text(group, "fate"),
                text(group, "extent"),
                text(group, "records"),
            )
        })
        .collect();
    if lines.is_empty() {
        lines.push("nothing would be destroyed or restricted now".to_owned());
    }
    lines.push(format!("kept: {} records", text(totals, "kept")));
    for (kind, records) in totals["unjudged"].as_object().into_iter().flatten() {
        lines.push(format!("not judged yet, and kept: {records} records of the kind {kind}"));
    }
    if totals["done"] != true {
        lines.push(format!("there is more: --from {}", text(totals, "next")));
    }
    lines
}
