//! `chancery log verify`.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use event_log::{Damage, DamageKind, Keyring, SystemRandom, VerifyReport};
use facts::LogPosition;

use super::open::{log_exists, options};
use crate::{
    cli::{Failure, Origin, output},
    config::Config,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// Print `{"ok", "entries", "head", "torn_tail_bytes", "fault"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Verify, origin: &Origin) -> anyhow::Result<ExitCode> {
    let Checked { report, opened } = verify(&origin.config()?)?;
    if command.json {
        output::json(&serde_json::to_value(&report)?)?;
    } else {
        output::line(&in_words(&report))?;
        if !opened {
            output::line("There is no keyring: checksums were checked, and nothing was opened.")?;
        }
    }
    if of_another_log(&report) {
        let what = "the keyring does not open the first entry, whose checksums are right";
        output::error(&Failure::new(what, "check that it is the keyring of this log").into());
    }
    Ok(ExitCode::from(u8::from(!report.ok)))
}

/// What was found, and whether there was a keyring to open anything with.
struct Checked {
    report: VerifyReport,
    opened: bool,
}

/// The key of the first entry is never destroyed: a keyring that does not have it is another's.
fn of_another_log(report: &VerifyReport) -> bool {
    let first = |fault: &Damage| fault.kind == DamageKind::Seal && fault.position == LogPosition(0);
    report.fault.as_ref().is_some_and(first)
}

/// Checks the segments, and opens every part whose key is there. Where no keyring is, as on a copy
/// of the log alone, checksums and digests are checked: nothing can be changed unseen.
fn verify(config: &Config) -> anyhow::Result<Checked> {
    let options = options(config);
    log_exists(&options)?;
    let dir = &options.keys_dir;
    let keys = Keyring::log_id_in(dir)
        .and_then(|log_id| {
            let open = |log_id| Keyring::open_read_only(dir, log_id, Arc::new(SystemRandom));
            log_id.map(open).transpose()
        })
        .context("the keyring cannot be read")?;
    let report = event_log::verify(&options.segments_dir(), keys.as_ref())
        .context("the log cannot be read")?;
    Ok(Checked { report, opened: keys.is_some() })
}

fn in_words(report: &VerifyReport) -> String {
    let entries = report.entries;
    let torn = report.torn_tail_bytes;
    let words = match &report.fault {
        None => format!("The log is right; entries: {entries}."),
        Some(fault) => format!("FAULT; entries before it: {entries}; {fault}."),
    };
    if torn == 0 {
        return words;
    }
    format!(
        "{words} A torn last write of {torn} bytes, which was never acknowledged, will be cut at \
         the next start."
    )
}
