//! A data directory against checkpoints that somebody kept.

use std::path::Path;

use anyhow::Context as _;
use event_log::{
    Keyring,
    ledger::{CheckRequest, Checkpoint, Finding, LedgerReport, VerifierKey, check_directory},
};

use super::{Verdict, Verify, read, trust};
use crate::{backup::read_keyring, cli::Failure};

pub(super) fn verify(command: &Verify, keys: &[VerifierKey]) -> anyhow::Result<Verdict> {
    let dir = &command.path;
    if command.checkpoints.is_empty() {
        return Err(Failure::new(
            "a data directory is verified against a checkpoint, and none is named",
            "name one that was kept elsewhere with --checkpoint; `chancery log verify` checks a \
             log by itself",
        )
        .into());
    }
    let checkpoints = match checkpoints(command, keys)? {
        Ok(checkpoints) => checkpoints,
        Err(verdict) => return Ok(verdict),
    };
    check(dir, command.keys_dir.as_deref(), &checkpoints)
}

/// The checkpoints that were kept, or that one of them is not by a trusted key.
pub(super) fn checkpoints(
    command: &Verify,
    keys: &[VerifierKey],
) -> anyhow::Result<Result<Vec<Checkpoint>, Verdict>> {
    let mut checkpoints = Vec::new();
    for path in &command.checkpoints {
        match trust::checkpoint(&read(path)?, keys) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(error) => {
                let why = format!("{}: {error}", path.display());
                return Ok(Err(Verdict::bad("checkpoint", &why)));
            }
        }
    }
    Ok(Ok(checkpoints))
}

fn check(
    dir: &Path,
    keys_dir: Option<&Path>,
    checkpoints: &[Checkpoint],
) -> anyhow::Result<Verdict> {
    let inside = dir.join("keyring");
    let keyring = keyring(keys_dir.unwrap_or(&inside))?;
    let request = CheckRequest { data_dir: dir, keyring: keyring.as_ref(), checkpoints };
    let report = check_directory(&request).context("the data directory cannot be read")?;
    Ok(Verdict {
        ok: report.ok,
        json: serde_json::to_value(&report)?,
        words: vec![in_words(&report, checkpoints)],
    })
}

/// The keyring, so that parts are opened too; a copy of the log alone has none.
fn keyring(dir: &Path) -> anyhow::Result<Option<Keyring>> {
    read_keyring(dir).context("the keyring cannot be read")
}

fn in_words(report: &LedgerReport, checkpoints: &[Checkpoint]) -> String {
    let entries = report.entries;
    let Some(finding) = &report.finding else {
        let covered = checkpoints.iter().map(|checkpoint| checkpoint.size).max().unwrap_or(0);
        return format!(
            "The log is right; entries: {entries}. The first {covered} are those of the \
             checkpoint."
        );
    };
    format!("NOT VERIFIED; entries that were read: {entries}; {}.", what(finding))
}

pub(super) fn what(finding: &Finding) -> String {
    match finding {
        Finding::Damage { fault } => fault.to_string(),
        Finding::OtherLog { origin } => format!("the checkpoint is of another log, {origin}"),
        Finding::RolledBack { first_missing, covered } => format!(
            "the directory is an older copy: of {covered} entries all from position \
             {first_missing} on are gone"
        ),
        Finding::Forked { at, covered } => format!(
            "the log was continued from an older copy at position {at}, as it states itself; of \
             the {covered} entries of the checkpoint those from there on were given up"
        ),
        Finding::Altered { after, before, first } => {
            let place = first.map_or_else(
                || format!("from position {after} on, before position {before}"),
                |first| format!("from position {first} on"),
            );
            format!("the entries are not those of the checkpoint, {place}: the log was rewritten")
        }
        Finding::Tile { tile } => format!(
            "the log is right, but {tile} of the tree beside it is not; delete the folder \
             `ledger` while the server is stopped, and it is made anew"
        ),
    }
}
