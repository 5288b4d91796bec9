//! A backup against its manifest, and its log against checkpoints: reading alone.
//!
//! Owns finding and naming what is wrong, file by file, and in the log position by position. A
//! backup that was replaced as a whole by an older one shows against a later checkpoint alone.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use event_log::{
    Keyring,
    backup::SegmentPath,
    ledger::{CheckRequest, Checkpoint, Finding, Note, NoteError, VerifierKey, check_segments},
};
use serde::Serialize;

use super::{
    beside::BesideName,
    digest,
    dir_store::DirStore,
    manifest::{Kind, MANIFEST, Manifest, SegmentEntries},
    store::Store as _,
};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Inspection {
    /// True without a finding.
    pub(crate) ok: bool,
    /// Files that were read.
    pub(crate) files: usize,
    /// Entries of the log that were read.
    pub(crate) entries: u64,
    /// A run is under way, or was broken off: files that no manifest names are no finding.
    pub(crate) unfinished: bool,
    /// Everything that is wrong with the files; where nothing is, what is wrong with the log.
    pub(crate) findings: Vec<BackupFinding>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum BackupFinding {
    /// The manifest is not there or not what was written.
    Manifest {
        /// Why.
        why: String,
    },
    /// A file is not there.
    Missing {
        /// Which.
        file: String,
        /// The entries that it has.
        #[serde(skip_serializing_if = "Option::is_none")]
        segment: Option<SegmentEntries>,
    },
    /// A file is not what was written.
    Altered {
        /// Which.
        file: String,
        /// The entries that it has.
        #[serde(skip_serializing_if = "Option::is_none")]
        segment: Option<SegmentEntries>,
    },
    /// A link or something else in place of a file: its bytes are elsewhere, and can be others later.
    NoFile {
        /// Which.
        file: String,
    },
    /// A file that the manifest does not name.
    Unlisted {
        /// Which.
        file: String,
    },
    /// The checkpoint in the manifest is not by a key that is trusted.
    Checkpoint {
        /// Why.
        why: String,
    },
    /// The manifest says of the log what the segments do not.
    Disagrees {
        /// What.
        what: String,
    },
    /// The log is not right.
    Log {
        /// What is wrong with it.
        finding: Finding,
    },
}

/// True for a directory with a manifest, or with segments as backups name them: what is left of one
/// whose manifest is gone.
pub(crate) fn is_backup(dir: &Path) -> bool {
    dir.join(MANIFEST).exists() || has_copied_segments(dir)
}

/// A copied segment has a part of its digest in its name.
fn has_copied_segments(dir: &Path) -> bool {
    let Ok(found) = fs::read_dir(dir.join("log").join("segments")) else { return false };
    found.flatten().any(|file| file.file_name().to_str().is_some_and(is_name_of_copy))
}

/// The same of a name below a place.
pub(super) fn is_copied_segment(name: &str) -> bool {
    name.strip_prefix("log/segments/").is_some_and(is_name_of_copy)
}

fn is_name_of_copy(name: &str) -> bool {
    let stem = name.strip_suffix(".seg");
    stem.and_then(|stem| stem.split_once('-')).is_some_and(|(first, digest)| {
        first.bytes().all(|byte| byte.is_ascii_digit())
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether a path is a file itself and no link to one.
fn is_file_itself(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Checks a backup from end to end. `checkpoints` are those that somebody kept, verified;
/// `keyring` opens what can be opened; the manifest's own checkpoint must be signed by one of
/// `keys`. An error means that files could not be read.
pub(crate) fn inspect(
    dir: &Path,
    keyring: Option<&Keyring>,
    keys: &[VerifierKey],
    checkpoints: &[Checkpoint],
) -> Result<Inspection> {
    let store = DirStore::for_reading(dir);
    let mut inspection = Inspection {
        ok: false,
        files: 0,
        entries: 0,
        unfinished: store.is_unfinished(),
        findings: Vec::new(),
    };
    if dir.join(MANIFEST).exists() && !is_file_itself(&dir.join(MANIFEST)) {
        inspection.findings.push(BackupFinding::NoFile { file: MANIFEST.to_owned() });
        return Ok(inspection);
    }
    let Some(text) = store.manifest()? else {
        let why =
            format!("{MANIFEST} is not there, and without it nothing tells what belongs here");
        inspection.findings.push(BackupFinding::Manifest { why });
        return Ok(inspection);
    };
    match Manifest::parse(&text) {
        Err(fault) => {
            inspection.findings.push(BackupFinding::Manifest { why: fault.to_string() });
        }
        Ok(manifest) => {
            inspection.files(dir, &store, &manifest)?;
            let mut checkpoints = checkpoints.to_vec();
            match manifest.about.checkpoint.as_deref().map(|note| signed(note, keys)) {
                None => {}
                Some(Ok(checkpoint)) => checkpoints.push(checkpoint),
                Some(Err(why)) => inspection.findings.push(BackupFinding::Checkpoint { why }),
            }
            if manifest.about.kind == Kind::Log && inspection.findings.is_empty() {
                inspection.log(dir, &manifest, keyring, &checkpoints)?;
            }
        }
    }
    inspection.ok = inspection.findings.is_empty();
    Ok(inspection)
}

impl Inspection {
    fn files(&mut self, dir: &Path, store: &DirStore, manifest: &Manifest) -> Result<()> {
        let there = store.list()?;
        for (file, entry) in &manifest.files {
            let (file, segment) = (file.clone(), entry.segment);
            if !there.contains_key(&file) {
                self.findings.push(BackupFinding::Missing { file, segment });
                continue;
            }
            if !is_file_itself(&dir.join(&file)) {
                self.findings.push(BackupFinding::NoFile { file });
                continue;
            }
            let seen = digest::of_file(&dir.join(&file))
                .with_context(|| format!("{file} cannot be read"))?;
            self.files += 1;
            if seen.bytes != entry.bytes || seen.sha256 != entry.sha256 {
                self.findings.push(BackupFinding::Altered { file, segment });
            }
        }
        for (file, beside) in there.keys().filter_map(|file| Some((file, BesideName::parse(file)?)))
        {
            if !is_file_itself(&dir.join(file)) {
                self.findings.push(BackupFinding::NoFile { file: file.clone() });
                continue;
            }
            let seen = digest::of_file(&dir.join(file))
                .with_context(|| format!("{file} cannot be read"))?;
            self.files += 1;
            if seen.sha256 != beside.sha256 {
                self.findings.push(BackupFinding::Altered { file: file.clone(), segment: None });
            }
        }
        if !self.unfinished {
            let unlisted = there.into_keys().filter(|file| {
                !manifest.files.contains_key(file) && BesideName::parse(file).is_none()
            });
            self.findings.extend(unlisted.map(|file| BackupFinding::Unlisted { file }));
        }
        Ok(())
    }

    fn log(
        &mut self,
        dir: &Path,
        manifest: &Manifest,
        keyring: Option<&Keyring>,
        checkpoints: &[Checkpoint],
    ) -> Result<()> {
        let segments: Vec<_> = manifest
            .segments()
            .into_iter()
            .map(|(name, _, segment)| SegmentPath { first: segment.first, path: dir.join(name) })
            .collect();
        let request = CheckRequest { data_dir: dir, keyring, checkpoints };
        let report = check_segments(&segments, &request).context("the log cannot be read")?;
        self.entries = report.entries;
        if let Some(finding) = report.finding {
            self.findings.push(BackupFinding::Log { finding });
        } else if report.entries != manifest.about.head.0 + 1 || report.torn_tail_bytes > 0 {
            let what = format!(
                "the manifest says that the last entry is {}, and {} entries are there",
                manifest.about.head, report.entries
            );
            self.findings.push(BackupFinding::Disagrees { what });
        }
        Ok(())
    }
}

fn signed(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, String> {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    note.verify(keys).map_err(|error| error.to_string())?;
    Checkpoint::parse(&note.text).ok_or_else(|| NoteError::Malformed.to_string())
}
