//! An export against keys.

use event_log::ledger::VerifierKey;
use policies::export::{EvidenceReport, Manifest, ManifestVersion, VerifyReport, verify_export};
use serde_json::json;

use super::{Verdict, Verify};
use crate::cli::{Failure, staff::Moment};

/// What a manifest of the first version leaves open.
const NOT_PROVEN: &str = "NOT PROVEN: the manifest is of version 1, so the server did not sign what \
    is destroyed or withheld, nor which names, deletions and media belong to it. Whoever exported it \
    could have left such things out. Have it exported anew.";

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
    let by_server = manifest.version != ManifestVersion::One;
    let json = json!({
        "ok": true,
        "manifest_version": manifest.version.number(),
        "complete": by_server,
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
    Ok(Verdict::good(json, in_words(manifest, evidence, report.unproven_media)))
}

fn in_words(manifest: &Manifest, evidence: &EvidenceReport, unproven_media: u64) -> Vec<String> {
    let by_server = manifest.version != ManifestVersion::One;
    let verdict = if by_server { "complete and untouched" } else { "untouched" };
    let mut words = vec![format!(
        "The export of case {} from {} is {verdict}: {} items of the scope out of the {} entries \
         at positions {} to before {}, each proven by the log's checkpoint.",
        manifest.terms.case,
        manifest.origin,
        evidence.shown,
        evidence.entries,
        manifest.terms.first,
        manifest.terms.end,
    )];
    if !evidence.is_over {
        words.push(still_open(manifest));
    }
    for (count, what) in [
        (evidence.destroyed, "items are destroyed in part or whole"),
        (evidence.withheld, "memberships or receipts of others are withheld"),
        (unproven_media, "media are named and not proven: destroyed, or never uploaded"),
    ] {
        if count > 0 {
            let whose = if by_server { "the server signed that" } else { "by the exporter's word" };
            words.push(format!("{count} {what}; {whose}."));
        }
    }
    let gone = manifest.missing_media.len();
    if gone > 0 {
        words.push(format!("{gone} media were gone; the manifest names them."));
    }
    if !by_server {
        words.push(NOT_PROVEN.to_owned());
    }
    words
}

/// Where the stretch ends before the scope does, as everybody who exports can choose (`--end`).
fn still_open(manifest: &Manifest) -> String {
    let end = manifest.terms.end;
    let until = match manifest.terms.scope.until {
        Some(until) => format!("goes on until {}", Moment(until.0)),
        None => "has no end".to_owned(),
    };
    format!(
        "The scope's time was NOT OVER at position {end}: it {until}. What came from there on is not \
         in this export; whoever exported it may have chosen where it ends."
    )
}

fn bad(report: &VerifyReport) -> Verdict {
    let mut words = vec!["NOT VERIFIED".to_owned()];
    words.extend(report.findings.iter().map(|found| format!("{}: {}", found.place, found.why)));
    let first = report.findings.first();
    let finding = first.map(|found| json!({ "kind": found.place, "why": found.why }));
    let json = json!({ "ok": false, "finding": finding, "findings": report.findings });
    Verdict { ok: false, json, words }
}

#[cfg(test)]
mod tests {
    use policies::export::{Format, Terms};

    use super::*;

    fn manifest() -> Manifest {
        let terms = Terms {
            case: 7,
            scope: facts::fact::Scope::default(),
            first: 0,
            end: 9,
            fact_types: Vec::new(),
            policy_version: 0,
            policy_sha256: String::new(),
            before: Vec::new(),
        };
        Manifest {
            version: ManifestVersion::One,
            terms,
            format: Format::Jsonl,
            origin: "example.org/chancery/1/1".to_owned(),
            root: String::new(),
            files_sha256: String::new(),
            files: 1,
            bytes: 1,
            missing_media: Vec::new(),
        }
    }

    #[test]
    fn what_a_manifest_of_the_first_version_does_not_prove_is_said() {
        let mut manifest = manifest();
        let evidence = EvidenceReport { destroyed: 1, ..EvidenceReport::default() };
        let words = in_words(&manifest, &evidence, 0).join("\n");
        assert!(!words.contains("complete") && !words.contains("server signed"), "{words}");
        assert!(words.contains("is untouched") && words.contains("NOT PROVEN"), "{words}");
        assert!(words.contains("destroyed in part or whole; by the exporter's word"), "{words}");
        manifest.version = ManifestVersion::Two;
        let words = in_words(&manifest, &evidence, 0).join("\n");
        assert!(words.contains("is complete and untouched"), "{words}");
        assert!(words.contains("destroyed in part or whole; the server signed that"), "{words}");
        assert!(!words.contains("NOT PROVEN"), "{words}");
    }
    #[test]
    fn a_stretch_that_ends_before_its_scope_is_never_called_complete_alone() {
        let mut manifest = manifest();
        let mut evidence = EvidenceReport::default();
        let words = in_words(&manifest, &evidence, 0).join("\n");
        assert!(words.contains("NOT OVER at position 9: it has no end"), "{words}");
        manifest.terms.scope.until = Some(facts::Timestamp(0));
        let words = in_words(&manifest, &evidence, 0).join("\n");
        assert!(words.contains("until 1970-01-01T00:00:00Z. What came from there on"), "{words}");
        evidence.is_over = true;
        let words = in_words(&manifest, &evidence, 0).join("\n");
        assert!(!words.contains("NOT OVER"), "{words}");
    }
}
