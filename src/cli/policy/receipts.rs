//! `chancery policy receipts`.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::staff::{Access, list, moment_text, text};

#[derive(Debug, Args)]
pub(in crate::cli) struct Receipts {
    /// Begin at this entry of the log.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    from: u64,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Receipts) -> anyhow::Result<()> {
    let (mut from, mut last, mut receipts) = (command.from, String::new(), Vec::new());
    loop {
        let path = format!("/policies/receipts?from={from}&limit=1000{last}");
        let page = command.access.get(&path)?;
        if last.is_empty() {
            last = format!("&last={}", page["last"]);
        }
        receipts.extend(list(&page, "receipts").iter().cloned());
        let next = page["next"].as_u64().unwrap_or(from);
        if page["done"] == true || next <= from {
            break;
        }
        from = next;
    }
    command.access.show(&json!({ "receipts": receipts }), |answer| {
        let found = list(answer, "receipts");
        if found.is_empty() {
            return vec!["no run has destroyed anything".to_owned()];
        }
        found.iter().flat_map(lines_of).collect()
    })
}

/// A receipt in words.
pub(super) fn lines_of(receipt: &Value) -> Vec<String> {
    let at = moment_text(&receipt["at"]);
    let mut lines = vec![format!("receipt {}  {at}", text(receipt, "receipt"))];
    for of in list(receipt, "destroyed") {
        lines.push(format!(
            "  destroyed: {} records of the kind {} ({})",
            text(of, "records"),
            text(of, "kind"),
            text(of, "cause"),
        ));
    }
    if list(receipt, "destroyed").is_empty() {
        lines.push("  destroyed: nothing was due".to_owned());
    }
    lines.push(format!("  kept by a hold or a floor: {}", text(receipt, "restricted")));
    for report in list(receipt, "surfaces") {
        lines.push(format!("  {}: {}", text(report, "surface"), text(report, "outcome")));
    }
    let gone = &receipt["backups_gone_at"];
    if !gone.is_null() {
        lines.push(format!("  backups of the keyring are gone at {}", moment_text(gone)));
    }
    lines.push(format!("  proof: chancery ledger prove {}", text(receipt, "receipt")));
    lines
}
