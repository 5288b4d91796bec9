//! Which options compare what: one that what was found has no use for is refused.
//!
//! Owns that nobody takes a verdict for a comparison that was not made: a kept checkpoint that is
//! named and not looked at would be believed to have been compared.

use super::Verify;
use crate::cli::Failure;

/// What was found to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Export,
    Backup,
    DataDirectory,
    Proof,
    Checkpoint,
}

/// An option, whether it was given, what it is for, and how to compare with it.
struct Choice {
    name: &'static str,
    given: bool,
    kinds: &'static [Found],
    next: &'static str,
}

/// For logs.
const LOGS: &[Found] = &[Found::Backup, Found::DataDirectory];
/// For a checkpoint.
const CHECKPOINTS: &[Found] = &[Found::Checkpoint];

const KEPT: &str = "to compare a kept checkpoint with that of an export, verify the file \
    checkpoint.note of the export with --earlier KEPT --consistency PROOF (the proof is \
    from `chancery ledger consistency`); a checkpoint file is compared in the same way";
const EARLIER: &str = "name the later checkpoint as what is verified (of an export its file \
    checkpoint.note), or compare a data directory or a backup with --checkpoint KEPT";

impl Found {
    fn words(self) -> &'static str {
        match self {
            Self::Export => "an export",
            Self::Backup => "a backup",
            Self::DataDirectory => "a data directory",
            Self::Proof => "a tlog-proof",
            Self::Checkpoint => "a checkpoint",
        }
    }
}

fn choices(command: &Verify) -> [Choice; 5] {
    [
        Choice {
            name: "--checkpoint",
            given: !command.checkpoints.is_empty(),
            kinds: LOGS,
            next: KEPT,
        },
        Choice {
            name: "--earlier",
            given: command.earlier.is_some(),
            kinds: CHECKPOINTS,
            next: EARLIER,
        },
        Choice {
            name: "--consistency",
            given: command.consistency.is_some(),
            kinds: CHECKPOINTS,
            next: EARLIER,
        },
        Choice {
            name: "--keys-dir",
            given: command.keys_dir.is_some(),
            kinds: LOGS,
            next: "leave it out: nothing is opened with a keyring there; keys to trust are named \
                   with --key and --keys-file",
        },
        Choice {
            name: "--digest",
            given: command.digest.is_some(),
            kinds: &[Found::Proof],
            next: "name the tlog-proof of the entry as what is verified",
        },
    ]
}

/// Refuses an option that would compare nothing.
pub(super) fn check(command: &Verify, found: Found) -> Result<(), Failure> {
    let idle = choices(command).into_iter().find(|one| one.given && !one.kinds.contains(&found));
    let Some(Choice { name, kinds, next, .. }) = idle else { return Ok(()) };
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.words()).collect();
    let what = format!(
        "{name} is only for {}, and this is {}: nothing would be compared with it",
        kinds.join(" or "),
        found.words()
    );
    Err(Failure::new(what, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_compares_nothing_is_refused_with_what_it_is_for() -> anyhow::Result<()> {
        let kinds =
            [Found::Export, Found::Backup, Found::DataDirectory, Found::Proof, Found::Checkpoint];
        for (option, uses) in [
            (&["--checkpoint", "kept"][..], &[Found::Backup, Found::DataDirectory][..]),
            (&["--keys-dir", "keyring"], &[Found::Backup, Found::DataDirectory]),
            (&["--earlier", "kept"], &[Found::Checkpoint]),
            (&["--earlier", "kept", "--consistency", "proof"], &[Found::Checkpoint]),
            (&["--digest", "00"], &[Found::Proof]),
            (&[], &kinds),
        ] {
            let line = [&["chancery", "verify", "there", "--key", "none"], option].concat();
            let cli = <crate::cli::Cli as clap::Parser>::try_parse_from(line)?;
            let crate::cli::Command::Verify(command) = cli.command else { anyhow::bail!("verify") };
            for kind in kinds {
                let said = check(&command, kind).err();
                assert_eq!(said.is_none(), uses.contains(&kind), "{option:?} {kind:?}");
                if let Some(said) = said {
                    let said = said.to_string();
                    assert!(said.contains(option[0]) && said.contains(uses[0].words()), "{said}");
                    assert!(said.contains(kind.words()), "{said}");
                }
            }
        }
        Ok(())
    }
}
