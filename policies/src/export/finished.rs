//! An export that is finished, by the word of its own manifest: what it is of, and its files in the
//! order in which they are copied elsewhere.
//!
//! Owns that nothing is copied for it that its manifest does not cover, and nothing is left out.
//! Verifies no signature and no evidence: that is the verifying's.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use event_log::ledger::NOTE_BYTES_MAX;
use sha2::Digest as _;

use super::{
    LIST_FILE, MANIFEST_FILE, Manifest, ManifestFault,
    directory::is_listed,
    files::files_of,
    manifest::{FileList, read_list},
};

/// A directory with a manifest.
#[derive(Debug)]
pub struct FinishedExport {
    dir: PathBuf,
    /// What it says that it is.
    pub manifest: Manifest,
}

/// One of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedFile {
    /// Its relative path.
    pub name: String,
    /// The SHA-256 that the manifest covers, in hexadecimal; the manifest itself has none.
    pub sha256: Option<String>,
}

/// Why a directory with a manifest is no finished export.
#[derive(Debug, thiserror::Error)]
pub enum FinishedFault {
    /// The manifest.
    #[error("{MANIFEST_FILE}: {0}")]
    Manifest(#[from] ManifestFault),
    /// The list of files is not the one that the manifest covers.
    #[error("{LIST_FILE} is not the list that the manifest covers")]
    List,
    /// A file that the list does not name.
    #[error("{0} does not belong to the export")]
    Unlisted(String),
    /// A file that the list names.
    #[error("{0} is missing from the export")]
    Missing(String),
    /// The disk.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

impl FinishedExport {
    /// The export of a directory; `None` where it has no manifest.
    pub fn open(dir: &Path) -> Result<Option<Self>, FinishedFault> {
        let file = match File::open(dir.join(MANIFEST_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut note = String::new();
        file.take(NOTE_BYTES_MAX as u64 + 1).read_to_string(&mut note)?;
        let manifest = Manifest::unverified(&note)?;
        Ok(Some(Self { dir: dir.to_owned(), manifest }))
    }

    /// What a manifest says that it is of, wherever it was read. Verifies nothing.
    pub fn claim(note: &str) -> Result<Manifest, ManifestFault> {
        Manifest::unverified(note)
    }

    /// Its files: those that the list covers, the list, and last the manifest, so that a copy with
    /// a manifest is a whole one. Refuses files too many or too few.
    pub fn files(&self) -> Result<Vec<FinishedFile>, FinishedFault> {
        let list = self.list()?;
        let found = files_of(&self.dir)?;
        let found: Vec<_> = found.iter().filter(|path| is_listed(path)).collect();
        if let Some(other) = found.iter().find(|path| !list.contains_key(path.as_str())) {
            return Err(FinishedFault::Unlisted((*other).clone()));
        }
        if let Some(gone) = list.keys().find(|path| found.binary_search(path).is_err()) {
            return Err(FinishedFault::Missing(gone.clone()));
        }
        let named = |(name, sha256): (String, [u8; 32])| (name, Some(hex::encode(sha256)));
        let covered = Some(self.manifest.files_sha256.clone());
        let last = [(LIST_FILE.to_owned(), covered), (MANIFEST_FILE.to_owned(), None)];
        let all = list.into_iter().map(named).chain(last);
        Ok(all.map(|(name, sha256)| FinishedFile { name, sha256 }).collect())
    }

    fn list(&self) -> Result<FileList, FinishedFault> {
        let text = fs::read_to_string(self.dir.join(LIST_FILE))?;
        let digest = hex::encode(sha2::Sha256::digest(text.as_bytes()));
        if digest != self.manifest.files_sha256 {
            return Err(FinishedFault::List);
        }
        read_list(&text).ok_or(FinishedFault::List)
    }
}
