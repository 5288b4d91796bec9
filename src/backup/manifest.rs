//! The manifest: what a backup is, file by file.
//!
//! Owns its text: lines of JSON, the first about the whole, one a file in order of their names,
//! the last with the number of files and the SHA-256 of everything before it. A backup is what
//! its manifest names; it is written last and takes the place of the one before in one step.

use std::collections::BTreeMap;

use facts::LogPosition;
use serde::{Deserialize, Serialize};

use super::{digest, store::Lock};

/// Name of the manifest in a target.
pub(super) const MANIFEST: &str = "manifest.jsonl";
/// The first words of a manifest.
const FORMAT: &str = "chancery-backup/1";
/// Files in one backup; a manifest of so many takes about a gigabyte.
const FILES_MAX: usize = 4_000_000;
/// Bytes of a manifest.
pub(super) const MANIFEST_BYTES_MAX: u64 = FILES_MAX as u64 * 512;

/// What a target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The log and the media: ciphertext.
    Log,
    /// The keyring and the other keys: what opens it.
    Keys,
}

/// What is said of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    format: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Identity of the log, in hexadecimal.
    pub(crate) log_id: String,
    /// Whose log it is.
    pub(crate) server_name: String,
    /// Its incarnation.
    pub(crate) incarnation: u32,
    /// Its last entry when this was taken.
    pub(crate) head: LogPosition,
    /// When, in milliseconds since the Unix epoch.
    pub(crate) taken_at: u64,
    /// The last checkpoint of the ledger that was signed by then, as a signed note.
    pub(crate) checkpoint: Option<String>,
    /// Keys: position of the last order to destroy that the keyring has carried out.
    pub(crate) applied_through: Option<LogPosition>,
    /// Keys: when this copy must be gone at the latest, in milliseconds since the Unix epoch.
    pub(crate) keep_until: Option<u64>,
    /// Log, where the store locks: for how many days from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) locked_days: Option<u32>,
}

/// What a segment's copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentEntries {
    /// Position of its first entry.
    pub(crate) first: LogPosition,
    /// And of the last.
    pub(crate) last: LogPosition,
    /// No entry will be added to it.
    pub(crate) closed: bool,
}

/// What tells whether a file of the data directory is still the one that was copied: one that is
/// replaced has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) inode: u64,
    pub(crate) changed_ns: i64,
    pub(crate) bytes: u64,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// Its length.
    pub(crate) bytes: u64,
    /// SHA-256, in hexadecimal.
    pub(crate) sha256: String,
    /// For segments.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) segment: Option<SegmentEntries>,
    /// Where it can be known again without being read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) stamp: Option<Stamp>,
    /// Until when nobody can remove it, in milliseconds since the Unix epoch, where it is locked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) locked_until: Option<u64>,
    /// A legal hold is on it there.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) held: bool,
}

impl FileEntry {
    /// A file of which nothing is known but its bytes, and which is not locked.
    pub(crate) fn of(seen: super::digest::Seen) -> Self {
        Self {
            bytes: seen.bytes,
            sha256: seen.sha256,
            segment: None,
            stamp: None,
            locked_until: None,
            held: false,
        }
    }

    /// How it is locked.
    pub(crate) fn lock(&self) -> Lock {
        Lock { until: self.locked_until, held: self.held }
    }

    /// The same file, locked like this.
    pub(crate) fn locked(self, lock: Lock) -> Self {
        Self { locked_until: lock.until, held: lock.held, ..self }
    }
}

#[derive(Serialize, Deserialize)]
struct FileLine {
    file: String,
    #[serde(flatten)]
    entry: FileEntry,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    files: usize,
    sha256: String,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) about: About,
    pub(crate) files: BTreeMap<String, FileEntry>,
}

/// Why a text is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ManifestFault {
    /// It ends too early, or its checksum does not fit.
    #[error("it is not what was written: the checksum at its end does not fit")]
    Checksum,
    /// A line cannot be read.
    #[error("its line {0} cannot be read")]
    Line(usize),
    /// Written by a later version.
    #[error("it is of a format that this version does not know: {0}")]
    Format(String),
    /// More files than a backup has.
    #[error("it names more than {FILES_MAX} files")]
    TooMany,
    /// A name that would lead out of the directory.
    #[error("its line {0} names a file outside of the backup")]
    Name(usize),
}

impl About {
    /// What is said of a copy of this log.
    pub(crate) fn new(kind: Kind, point: &super::BackupPoint, taken_at: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            kind,
            log_id: point.log_id.clone(),
            server_name: point.server_name.clone(),
            incarnation: point.incarnation,
            head: point.head,
            taken_at,
            checkpoint: point.checkpoint.clone(),
            applied_through: None,
            keep_until: None,
            locked_days: None,
        }
    }
}

impl Manifest {
    pub(super) fn new(about: About) -> Self {
        Self { about, files: BTreeMap::new() }
    }

    /// Adds a file; refuses more than are taken.
    pub(super) fn add(&mut self, name: String, entry: FileEntry) -> Result<(), ManifestFault> {
        if self.files.len() >= FILES_MAX {
            return Err(ManifestFault::TooMany);
        }
        self.files.insert(name, entry);
        Ok(())
    }

    /// Segments in order of their positions, with the names of their files.
    pub(crate) fn segments(&self) -> Vec<(&str, &FileEntry, SegmentEntries)> {
        let mut found: Vec<_> = self
            .files
            .iter()
            .filter_map(|(name, entry)| Some((name.as_str(), entry, entry.segment?)))
            .collect();
        found.sort_by_key(|(_, _, segment)| segment.first);
        found
    }

    /// The text.
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(&self.about)?;
        text.push('\n');
        for (file, entry) in &self.files {
            let line = FileLine { file: file.clone(), entry: entry.clone() };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        let sha256 = digest::of_bytes(text.as_bytes());
        text.push_str(&serde_json::to_string(&EndLine { files: self.files.len(), sha256 })?);
        text.push('\n');
        Ok(text)
    }

    /// Reads a text that [`Self::to_text`] made; nothing else.
    pub(super) fn parse(text: &str) -> Result<Self, ManifestFault> {
        let body = text.strip_suffix('\n').ok_or(ManifestFault::Checksum)?;
        let at = body.rfind('\n').map_or(0, |at| at + 1);
        let end: EndLine =
            serde_json::from_str(&body[at..]).map_err(|_| ManifestFault::Checksum)?;
        if end.sha256 != digest::of_bytes(&text.as_bytes()[..at]) {
            return Err(ManifestFault::Checksum);
        }
        let mut lines = (1..).zip(text[..at].lines());
        let (number, first) = lines.next().ok_or(ManifestFault::Line(1))?;
        let about: About = serde_json::from_str(first).map_err(|_| ManifestFault::Line(number))?;
        if about.format != FORMAT {
            return Err(ManifestFault::Format(about.format));
        }
        let mut manifest = Self::new(about);
        for (number, line) in lines {
            let line: FileLine =
                serde_json::from_str(line).map_err(|_| ManifestFault::Line(number))?;
            if !is_inside(&line.file) {
                return Err(ManifestFault::Name(number));
            }
            manifest.add(line.file, line.entry)?;
        }
        if manifest.files.len() != end.files {
            return Err(ManifestFault::Checksum);
        }
        Ok(manifest)
    }
}

/// Names come from a file that anybody may have written.
pub(super) fn is_inside(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let point = super::super::BackupPoint {
            log_id: "00".repeat(16),
            server_name: "example.org".to_owned(),
            incarnation: 1,
            head: LogPosition(9),
            checkpoint: None,
            lock: super::super::LockTerms::default(),
        };
        let mut manifest = Manifest::new(About::new(Kind::Log, &point, 7));
        let segment = SegmentEntries { first: LogPosition(0), last: LogPosition(9), closed: false };
        let entry = FileEntry {
            bytes: 3,
            sha256: "ab".repeat(32),
            segment: Some(segment),
            stamp: None,
            locked_until: None,
            held: false,
        };
        manifest.add("log/segments/0.seg".to_owned(), entry).expect("few files");
        manifest
    }

    #[test]
    fn a_manifest_comes_back_and_no_altered_one() {
        let text = manifest().to_text().expect("text");
        assert_eq!(Manifest::parse(&text), Ok(manifest()));
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] ^= 1;
            let altered = String::from_utf8(altered).expect("ASCII stays ASCII");
            assert!(Manifest::parse(&altered).is_err(), "byte {at}");
            assert!(Manifest::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_backup() {
        for name in ["../x", "/etc/passwd", "a//b", "a/../b", "", "a\\b", ".hidden", "a/."] {
            let mut manifest = manifest();
            let entry = manifest.files.values().next().cloned().expect("a file");
            manifest.files.insert(name.to_owned(), entry);
            let text = manifest.to_text().expect("text");
            assert!(matches!(Manifest::parse(&text), Err(ManifestFault::Name(_))), "{name}");
        }
    }
}
