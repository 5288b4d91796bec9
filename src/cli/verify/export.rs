//! An export against keys.

use event_log::ledger::VerifierKey;
use policies::export::{VerifyReport, verify_export};
use serde_json::json;

use super::{Verdict, Verify};
use crate::cli::Failure;

pub(super) fn verify(command: &Verify, keys: &[VerifierKey]) -> anyhow::Result<Verdict> {
    let report = verify_export(&command.path, keys).map_err(|error| {
        let what = format!("{} cannot be read: {error}", command.path.display());
        Failure::new(what, "name the directory of an export")
    })?;
    let (Some(manifest), Some(evidence), true) =
        (&report.manifest, &report.evidence, report.holds())
    else {
        return Ok(bad(&report));
    };
    let json = json!({
        "ok": true,
        "case": manifest.terms.case,
        "origin": manifest.origin,
        "format": manifest.format.name(),
        "first": manifest.terms.first,
        "end": manifest.terms.end,
        "policy_version": manifest.terms.policy_version,
        "entries": evidence.entries,
        "shown": evidence.shown,
        "destroyed": evidence.destroyed,
        "withheld": evidence.withheld,
        "time_is_over": evidence.is_over,
        "unproven_media": report.unproven_media,
        "missing_media": manifest.missing_media,
        "finding": null,
    });
    let mut words = format!(
        "The export of case {} from {} is complete and untouched: {} items of the scope out of \
         the {} entries at positions {} to before {}, each proven by the log's checkpoint.",
        manifest.terms.case,
        manifest.origin,
        evidence.shown,
        evidence.entries,
        manifest.terms.first,
        manifest.terms.end,
    );
    for (count, what) in [
        (evidence.destroyed, "items are destroyed in part or whole; the server says so"),
        (evidence.withheld, "memberships or receipts of others are withheld; the server says so"),
        (report.unproven_media, "media are named and not proven: destroyed, or never uploaded"),
        (manifest.missing_media.len() as u64, "media were gone; the manifest names them"),
    ] {
        if count > 0 {
            words = format!("{words}\n{count} {what}.");
        }
    }
    Ok(Verdict::good(json, words))
}

fn bad(report: &VerifyReport) -> Verdict {
    let mut lines = vec!["NOT VERIFIED".to_owned()];
    lines.extend(report.findings.iter().map(|found| format!("{}: {}", found.place, found.why)));
    let words = lines.join("\n");
    let first = report.findings.first();
    let finding = first.map(|found| json!({ "kind": found.place, "why": found.why }));
    let json = json!({ "ok": false, "finding": finding, "findings": report.findings });
    Verdict { ok: false, json, words }
}
