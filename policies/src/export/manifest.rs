//! The signed manifest of an export, and the list of files that it covers.
//!
//! Owns both forms. The manifest is a C2SP note by the ledger's key whose first line no checkpoint
//! has; the list has the form of `sha256sum`, so that others check it too. Nothing in them tells
//! when or by whom the export was made: the same stretch gives the same bytes. Who made it is in
//! the audit trail.

use std::{collections::BTreeMap, fmt::Write as _};

use event_log::ledger::{Note, NoteError, VerifierKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{format::Format, terms::Terms};

/// The signed note.
pub const MANIFEST_FILE: &str = "manifest.note";
/// Digests of all other files.
pub const LIST_FILE: &str = "files.sha256";
/// Files of an export, at most: what a list of 256 MiB holds.
pub const FILES_MAX: u64 = 2_000_000;
/// Media that were not there, at most, by name.
pub const MISSING_MEDIA_MAX: usize = 1_000;

/// Which form a manifest has; it stands in its first line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestVersion {
    /// Without the server's word on the pages: what is destroyed or withheld, and which context
    /// belongs to the evidence, is what the exporter says.
    One,
    /// With it.
    #[default]
    Two,
}

impl ManifestVersion {
    const ALL: [Self; 2] = [Self::One, Self::Two];

    fn first_line(self) -> &'static str {
        match self {
            Self::One => "chancery export manifest 1\n",
            Self::Two => "chancery export manifest 2\n",
        }
    }

    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// What the ledger's key signs for an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Which form it has.
    #[serde(skip)]
    pub version: ManifestVersion,
    /// What it is of.
    pub terms: Terms,
    /// In which form.
    pub format: Format,
    /// Origin of the log.
    pub origin: String,
    /// Root of the tree over all entries up to the stretch's end, in hexadecimal.
    pub root: String,
    /// SHA-256 of the list of files, in hexadecimal.
    pub files_sha256: String,
    /// Files in the list.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Ids of media that the ledger proves and the server no longer has.
    pub missing_media: Vec<String>,
}

/// Why a manifest, or another signed note of an export, is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// The note or its signature.
    #[error("the note is not to be trusted: {0}")]
    Note(#[from] NoteError),
    /// A signature that no trusted key made, or bytes that a note does not have.
    #[error("the note has bytes that nobody signed")]
    Unsigned,
    /// Not the documented form.
    #[error("it does not have the documented form")]
    Form,
}

impl Manifest {
    /// The text that is signed.
    pub fn text(&self) -> String {
        // Strings of a manifest always encode; a blank line cannot stand in pretty JSON.
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{}{json}\n", self.version.first_line())
    }

    /// Reads a manifest that trusted keys signed, all of it.
    pub fn read(note: &str, keys: &[VerifierKey]) -> Result<Self, ManifestFault> {
        Self::of_text(&whole_note(note, keys)?)
    }

    /// What a note says that it is of. No signature is looked at: for those who made it.
    pub(super) fn unverified(note: &str) -> Result<Self, ManifestFault> {
        Self::of_text(&Note::parse(note)?.text)
    }

    fn of_text(text: &str) -> Result<Self, ManifestFault> {
        let known = |version: &ManifestVersion| text.starts_with(version.first_line());
        let version = ManifestVersion::ALL.into_iter().find(known).ok_or(ManifestFault::Form)?;
        let json = &text[version.first_line().len()..];
        let mut manifest: Self = serde_json::from_str(json).map_err(|_| ManifestFault::Form)?;
        manifest.version = version;
        if manifest.text() == text { Ok(manifest) } else { Err(ManifestFault::Form) }
    }

    /// SHA-256 of a manifest's text.
    pub fn digest(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }
}

/// The text of a note of which every signature is by a trusted key, and no byte is beside it.
pub(super) fn whole_note(note: &str, keys: &[VerifierKey]) -> Result<String, ManifestFault> {
    let read = Note::parse(note)?;
    let signed = read.verify(keys)?.len();
    if signed != read.signatures.len() || read.to_string() != note {
        return Err(ManifestFault::Unsigned);
    }
    Ok(read.text)
}

/// Path and SHA-256 of each file, in order of paths.
pub type FileList = BTreeMap<String, [u8; 32]>;

/// The list as a file.
pub fn list_text(files: &FileList) -> String {
    let mut text = String::with_capacity(files.len() * 100);
    for (path, digest) in files {
        for byte in digest {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        let _ = writeln!(text, "  {path}");
    }
    text
}

/// Reads a list; `None` where it is not exactly what [`list_text`] writes.
pub fn read_list(text: &str) -> Option<FileList> {
    let mut files = FileList::new();
    for line in text.lines() {
        let (digest, path) = line.split_once("  ")?;
        let digest: [u8; 32] = hex::decode(digest).ok()?.try_into().ok()?;
        if !is_plain(path) {
            return None;
        }
        files.insert(path.to_owned(), digest);
    }
    (list_text(&files) == text).then_some(files)
}

/// Whether a path stays in its directory.
fn is_plain(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !path.is_empty()
        && path
            .split('/')
            .all(|name| !name.is_empty() && name != "." && name != ".." && name.chars().all(plain))
}
