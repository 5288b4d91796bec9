//! `chancery verify`: offline, without a server, from files that somebody kept.
//!
//! Owns telling what is to be verified (an export, a data directory, a backup, a proof file, a
//! checkpoint) and whom to trust. Reads only.

mod backup;
mod checkpoint;
mod data_directory;
mod export;
mod offsite;
mod options;
mod proof;
mod trust;
mod verdict;

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use event_log::ledger::{NOTE_BYTES_MAX, TlogProof};

use self::{options::Found, verdict::Verdict};
use super::{Failure, Origin, backup::advised, output};
use crate::backup::{BackupRefusal, There, Wanted};

/// A file that is verified is at most this large.
const FILE_BYTES_MAX: u64 = 2 * NOTE_BYTES_MAX as u64;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// An export, a data directory, a backup, a tlog-proof file, or a checkpoint file. An export or a
    /// backup may also be `s3://bucket/prefix`, by the configuration's section [offsite]: it is
    /// copied to a temporary directory first.
    #[arg(value_name = "PATH|s3://…")]
    path: PathBuf,
    /// A trusted key, as `chancery ledger key` prints it. May be given several times.
    #[arg(long = "key", value_name = "VKEY", required = true)]
    keys: Vec<String>,
    /// A listing of keys (`chancery ledger key --all`): those that a trusted key vouches for are
    /// trusted too.
    #[arg(long, value_name = "FILE")]
    keys_file: Option<PathBuf>,
    /// For a data directory or a backup: a checkpoint that somebody kept. Several narrow down a
    /// change.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// For a data directory or a backup: where its keyring is, if not inside; without one nothing
    /// is opened.
    #[arg(long, value_name = "DIR")]
    keys_dir: Option<PathBuf>,
    /// For a checkpoint: an earlier one that it must go on from.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
    /// The proof of that (`chancery ledger consistency`).
    #[arg(long, value_name = "FILE", requires = "earlier")]
    consistency: Option<PathBuf>,
    /// For a proof: the digest of the entry in hexadecimal, instead of the one in the file.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Print `{"ok", …, "finding"}`; `finding` is null where all is well.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Verify, origin: &Origin) -> anyhow::Result<ExitCode> {
    let offsite = command.path.to_str().filter(|path| path.starts_with("s3://"));
    let Some(offsite) = offsite.map(str::to_owned) else { return verify(&command) };
    let copy = offsite::Copied::of(&offsite, origin)?;
    verify(&Verify { path: copy.path().to_owned(), ..command })
}

fn verify(command: &Verify) -> anyhow::Result<ExitCode> {
    let keys = || trust::keys(&command.keys, command.keys_file.as_deref());
    unfinished(&command.path)?;
    let used = |found| options::check(command, found);
    let verdict = if command.path.is_dir() {
        // What is there comes first: whoever named the wrong directory hears of nothing else.
        match There::in_dir(&command.path) {
            There::Export => {
                used(Found::Export)?;
                export::verify(command, &keys()?)?
            }
            There::Backup => {
                used(Found::Backup)?;
                backup::verify(command, &keys()?)?
            }
            There::DataDirectory => {
                used(Found::DataDirectory)?;
                data_directory::verify(command, &keys()?)?
            }
            there => {
                let (place, wanted) = (command.path.display().to_string(), Wanted::InDirectory);
                let nothing = BackupRefusal::Nothing { place, wanted, there };
                return Err(advised(nothing.into()));
            }
        }
    } else {
        let text = read(&command.path)?;
        if is_manifest(&text) {
            let what = format!("{} is a part of an export", command.path.display());
            return Err(Failure::new(what, "name the directory of the export").into());
        }
        if TlogProof::is_one(&text) {
            used(Found::Proof)?;
            proof::verify(command, &text, &keys()?)?
        } else {
            used(Found::Checkpoint)?;
            checkpoint::verify(command, &text, &keys()?)?
        }
    };
    let Verdict { ok, json, words } = verdict;
    if command.json {
        output::json(&json)?;
    } else {
        output::lines(&words)?;
    }
    Ok(ExitCode::from(u8::from(!ok)))
}

/// What was broken off proves nothing yet, and is not to be taken for something else.
fn unfinished(path: &Path) -> anyhow::Result<()> {
    let has = |name: &str| path.join(name).exists();
    let (what, next) = if has("unfinished.json") && !has("manifest.note") {
        ("export", "run the same `chancery export` again; it goes on where it stopped")
    } else if has("unfinished") && !has("manifest.jsonl") {
        ("backup", "run the same `chancery backup` again; it goes on where it stopped")
    } else {
        return Ok(());
    };
    let what = format!("the {what} in {} was broken off and is not finished", path.display());
    Err(Failure::new(what, next).into())
}

/// Whether a note is the manifest of an export, which is verified with all that it covers.
fn is_manifest(text: &str) -> bool {
    text.starts_with("chancery export manifest ")
}

/// Reads a file that is small by its nature.
fn read(path: &Path) -> anyhow::Result<String> {
    let named = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let mut file = File::open(path).with_context(named)?.take(FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text).with_context(named)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let what = format!("{} is too large for a checkpoint or a proof", path.display());
        return Err(Failure::new(what, "name a checkpoint, a tlog-proof or a directory").into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &Path) -> anyhow::Result<String> {
        let line = ["chancery", "verify", &path.display().to_string(), "--key", "none"];
        let cli = <crate::cli::Cli as clap::Parser>::try_parse_from(line)?;
        let crate::cli::Command::Verify(command) = cli.command else { anyhow::bail!("verify") };
        let error = verify(&command).err().context("nothing can be verified there")?;
        Ok(format!("{error:#}"))
    }

    #[test]
    fn a_directory_of_something_else_is_told_so_before_keys_and_checkpoints() -> anyhow::Result<()>
    {
        let dir = tempfile::tempdir()?;
        let said = words(dir.path())?;
        for looked_for in ["manifest.note", "manifest.jsonl", "log/segments", "nothing at all"] {
            assert!(said.contains(looked_for), "{said}");
        }
        std::fs::write(dir.path().join("notes.txt"), "mine")?;
        let said = words(dir.path())?;
        assert!(said.ends_with("nothing there is of Chancery's"), "{said}");
        std::fs::create_dir_all(dir.path().join("data/log/segments"))?;
        let said = words(dir.path())?;
        assert!(said.ends_with("there is one below it, in `data`"), "{said}");
        let said = words(&dir.path().join("data"))?;
        assert!(!said.contains("neither"), "now the key is what is wrong: {said}");
        Ok(())
    }

    #[test]
    fn whoever_names_the_manifest_of_an_export_is_told_to_name_its_directory() -> anyhow::Result<()>
    {
        let dir = tempfile::tempdir()?;
        let manifest = dir.path().join("manifest.note");
        std::fs::write(&manifest, "chancery export manifest 2\n{}\n\n\u{2014} a b\n")?;
        let said = words(&manifest)?;
        assert!(said.ends_with("manifest.note is a part of an export"), "{said}");
        Ok(())
    }

    #[test]
    fn what_was_broken_off_is_said_to_be_that() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("unfinished.json"), "{}")?;
        let said = unfinished(dir.path()).expect_err("an export was broken off").to_string();
        assert!(said.contains("the export in") && said.contains("not finished"), "{said}");
        std::fs::write(dir.path().join("manifest.note"), "")?;
        unfinished(dir.path())?;
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("unfinished"))?;
        let said = unfinished(dir.path()).expect_err("a backup was broken off").to_string();
        assert!(said.contains("the backup in"), "{said}");
        Ok(())
    }
}
