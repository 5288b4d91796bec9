//! What lies in a place, told by names alone: for whoever named a place that holds something else.
//!
//! Owns the recognizing. Opens nothing, and takes no name for a proof of anything.

use std::{fmt, fs, path::Path};

use super::{beside::BesideName, inspect::is_copied_segment, manifest::MANIFEST};

/// The file that ends an export.
const EXPORT: &str = "manifest.note";
/// The folder that every export has from its beginning.
const EVIDENCE: &str = "evidence";
/// The first file of an export that is put off-site.
const CHECKPOINT: &str = "checkpoint.note";
/// Folders of a directory that are looked into for something that was meant.
const FOLDERS_MAX: usize = 1_000;

/// What was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A backup.
    Backup,
    /// Anything in a bucket that can be verified.
    InBucket,
    /// Anything in a directory that can be verified.
    InDirectory,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// No file at all.
    Nothing,
    /// An export, or a part of one.
    Export,
    /// A backup, or what is left of one.
    Backup,
    /// A data directory.
    DataDirectory,
    /// What a server ships before its first segment is closed.
    Shipped,
    /// One of these below, in this folder.
    Below(String),
    /// Nothing of these.
    Other,
}

impl There {
    /// By the names of all files below a place.
    pub(super) fn by_names<'a>(names: impl IntoIterator<Item = &'a String> + Copy) -> Self {
        let all = || names.into_iter().map(String::as_str);
        let below = |name: &str| {
            let ends = [MANIFEST, EXPORT].iter().find_map(|end| name.strip_suffix(end));
            ends.and_then(|folder| folder.strip_suffix('/')).map(str::to_owned)
        };
        if all().next().is_none() {
            Self::Nothing
        } else if all().any(|name| name == EXPORT || name.starts_with("evidence/")) {
            Self::Export
        } else if all().any(|name| name == MANIFEST || is_copied_segment(name)) {
            Self::Backup
        } else if let Some(folder) = all().find_map(below) {
            Self::Below(folder)
        } else if all().any(|name| BesideName::parse(name).is_some()) {
            Self::Shipped
        } else if all().any(|name| name == CHECKPOINT) {
            Self::Export
        } else {
            Self::Other
        }
    }

    /// By what stands in a directory and in its folders.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        let has = |folder: &Path, name: &str| folder.join(name).exists();
        if has(dir, EXPORT) || has(dir, EVIDENCE) {
            return Self::Export;
        }
        if super::is_backup(dir) {
            return Self::Backup;
        }
        if dir.join("log").join("segments").is_dir() {
            return Self::DataDirectory;
        }
        let Ok(files) = fs::read_dir(dir) else { return Self::Nothing };
        let mut there = Self::Nothing;
        for file in files.flatten().take(FOLDERS_MAX) {
            let path = file.path();
            let ours = has(&path, EXPORT) || has(&path, MANIFEST);
            if ours || path.join("log").join("segments").is_dir() {
                return Self::Below(file.file_name().to_string_lossy().into_owned());
            }
            there = Self::Other;
        }
        if has(dir, CHECKPOINT) { Self::Export } else { there }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "no backup (`manifest.jsonl`)",
            Self::InBucket => "neither an export (`manifest.note`) nor a backup (`manifest.jsonl`)",
            Self::InDirectory => {
                "neither an export (`manifest.note`), nor a backup (`manifest.jsonl`), nor a data \
                 directory (`log/segments`)"
            }
        })
    }
}

impl fmt::Display for There {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing at all is there"),
            Self::Export => f.write_str("an export is there"),
            Self::Backup => f.write_str("a backup without its manifest is there"),
            Self::DataDirectory => f.write_str("a data directory is there"),
            Self::Shipped => f.write_str(
                "orders or checkpoints that a server ships are there, and no segment yet",
            ),
            Self::Below(folder) => write!(f, "there is one below it, in `{folder}`"),
            Self::Other => f.write_str("nothing there is of Chancery's"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_names() {
        let order = format!("orders/{:010}-{:020}-{}.order", 1, 7, "ab".repeat(32));
        for (names, there) in [
            (&[][..], There::Nothing),
            (&["notes.txt"], There::Other),
            (&["evidence/entries.jsonl"], There::Export),
            (&["checkpoint.note"], There::Export),
            (&["checkpoint.note", "x/manifest.note"], There::Below("x".to_owned())),
            (&["a", "manifest.note"], There::Export),
            (&["manifest.jsonl"], There::Backup),
            (&["log/segments/00000000000000000000-0123456789abcdef.seg"], There::Backup),
            (&["x/y/manifest.jsonl"], There::Below("x/y".to_owned())),
            (&["x/manifest.note"], There::Below("x".to_owned())),
            (&["x/notmanifest.note"], There::Other),
            (&[&order], There::Shipped),
            (&["orders/1.order"], There::Other),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(There::by_names(&names), there, "{names:?}");
        }
    }
}
