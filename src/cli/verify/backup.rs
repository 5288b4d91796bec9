//! A backup: its files against the manifest, its log against checkpoints.

use anyhow::Context as _;
use event_log::ledger::VerifierKey;

use super::{
    Verdict, Verify,
    data_directory::{checkpoints, what},
};
use crate::backup::{BackupFinding, Inspection, inspect, keyring_of};

/// Findings in words; the others are counted.
const FINDINGS_SHOWN: usize = 20;

pub(super) fn verify(command: &Verify, keys: &[VerifierKey]) -> anyhow::Result<Verdict> {
    let checkpoints = match checkpoints(command, keys)? {
        Ok(checkpoints) => checkpoints,
        Err(verdict) => return Ok(verdict),
    };
    let keyring = match &command.keys_dir {
        Some(dir) => keyring_of(dir).context("the keyring cannot be read")?,
        None => None,
    };
    let found = inspect(&command.path, keyring.as_ref(), keys, &checkpoints)
        .context("the backup cannot be read")?;
    let words = in_words(&found, checkpoints.iter().map(|checkpoint| checkpoint.size).max());
    Ok(Verdict { ok: found.ok, json: serde_json::to_value(&found)?, words })
}

fn in_words(found: &Inspection, covered: Option<u64>) -> Vec<String> {
    let mut words = vec![verdict(found, covered)];
    let shown = found.findings.iter().take(FINDINGS_SHOWN);
    words.extend(shown.map(|finding| format!("- {}", line(finding))));
    if let Some(more @ 1..) = found.findings.len().checked_sub(FINDINGS_SHOWN) {
        words.push(format!("- and {more} more"));
    }
    if found.unfinished {
        words.push(
            "A run is under way or was broken off: files that the manifest does not name were not \
             counted."
                .to_owned(),
        );
    }
    words
}

fn verdict(found: &Inspection, covered: Option<u64>) -> String {
    if !found.ok {
        return format!("NOT VERIFIED; files that were read: {}.", found.files);
    }
    let kept = match covered {
        Some(covered) => format!("The first {covered} entries are those of the checkpoint."),
        None => "Whether it is the latest one only a checkpoint that was kept elsewhere can tell \
                 (--checkpoint)."
            .to_owned(),
    };
    format!("The backup is right; files: {}, entries: {}. {kept}", found.files, found.entries)
}

fn line(finding: &BackupFinding) -> String {
    let entries = |segment: &Option<_>| {
        segment.map_or_else(String::new, |segment: crate::backup::SegmentEntries| {
            format!(" (entries {} to {})", segment.first, segment.last)
        })
    };
    match finding {
        BackupFinding::Manifest { why } => format!("the manifest: {why}"),
        BackupFinding::Missing { file, segment } => {
            format!("{file}{} is not there", entries(segment))
        }
        BackupFinding::Altered { file, segment } => {
            format!("{file}{} is not what was written", entries(segment))
        }
        BackupFinding::NoFile { file } => {
            format!("{file} is no file: a link, or something else, stands in its place")
        }
        BackupFinding::Unlisted { file } => {
            format!("{file} does not belong to the backup: the manifest does not name it")
        }
        BackupFinding::Checkpoint { why } => format!("the checkpoint in the manifest: {why}"),
        BackupFinding::Disagrees { what } => what.clone(),
        BackupFinding::Log { finding } => what(finding),
    }
}
