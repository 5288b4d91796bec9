//! Verifying an export without a server.
//!
//! Owns the order: the manifest's signature, the list of files, each file's digest, the checkpoint,
//! the evidence, the media, and the form, which is made anew and compared. What does not hold is
//! named by its place. Needs the ledger's public key, from somewhere else than the export. Reads
//! only.

use std::{collections::HashSet, fs, io, path::Path};

use event_log::ledger::{Checkpoint, Origin, VerifierKey};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    CHECKPOINT_FILE, CONTEXT_FILE, ENTRIES_FILE, FORM_FILE, MEDIA_FOLDER, PAGES_FILE,
    check::{EvidenceReport, check_and_take},
    files::{digest_of, empty_folders, files_of},
    format::{FORM_VERSION, MEDIA_NAMED_SINCE, version_of, write_form},
    index::Index,
    manifest::{
        FileList, LIST_FILE, MANIFEST_FILE, Manifest, ManifestFault, ManifestVersion, read_list,
        whole_note,
    },
    media_names::file_of,
    output::Comparison,
};

/// Findings that are told, at most.
const FINDINGS_MAX: usize = 100;

const NO_MANIFEST: &str = "it is missing: the export was broken off before its end, or its manifest \
    was taken away";

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, with a line, an offset or a position where it is known.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

/// What verifying found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// What does not hold; nothing where the export is complete and untouched.
    pub findings: Vec<Finding>,
    /// What the manifest says, where it is to be trusted.
    pub manifest: Option<Manifest>,
    /// What the evidence shows, where it holds.
    pub evidence: Option<EvidenceReport>,
    /// Media that the record names and of which the evidence has no proof: their keys are
    /// destroyed, or they never were. Counted up to [`super::UNPROVEN_MAX`].
    pub unproven_media: u64,
}

impl VerifyReport {
    /// Complete and untouched.
    pub fn holds(&self) -> bool {
        self.findings.is_empty() && self.manifest.is_some() && self.evidence.is_some()
    }

    fn find(&mut self, place: &str, why: &(impl ToString + ?Sized)) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { place: place.to_owned(), why: why.to_string() });
        }
    }
}

/// Verifies an export against trusted keys. Fails only where the directory cannot be read.
pub fn verify_export(dir: &Path, keys: &[VerifierKey]) -> io::Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let found = match files_of(dir) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::Other => {
            report.find(&dir.display().to_string(), &error);
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let note = match read_text(dir, MANIFEST_FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.find(MANIFEST_FILE, NO_MANIFEST);
            return Ok(report);
        }
        note => note.map_err(|_| ManifestFault::Form),
    };
    let manifest = match note.and_then(|note| Manifest::read(&note, keys)) {
        Ok(manifest) => manifest,
        Err(fault) => {
            report.find(MANIFEST_FILE, &fault);
            return Ok(report);
        }
    };
    let list = check_list(dir, &manifest, &mut report);
    let bytes = check_files(dir, &found, list.as_ref(), &mut report);
    if bytes.is_some_and(|bytes| bytes != manifest.bytes) {
        report.find(MANIFEST_FILE, "it says another number of bytes than the listed files have");
    }
    let index = check_checkpoint(dir, &manifest, keys, &mut report)
        .and_then(|checkpoint| check_content(dir, &manifest, (&checkpoint, keys), &mut report));
    if let (Some(list), Some(index)) = (&list, &index) {
        check_media(dir, &manifest, (list, index), &mut report);
    }
    if let (Some(list), Some(index), true) = (&list, &index, report.findings.is_empty()) {
        check_sources(&manifest, list, &mut report);
        check_form(dir, &manifest, (list, index), &mut report);
    }
    report.manifest = Some(manifest);
    Ok(report)
}

fn read_text(dir: &Path, file: &str) -> io::Result<String> {
    fs::read_to_string(dir.join(file))
}

fn check_list(dir: &Path, manifest: &Manifest, report: &mut VerifyReport) -> Option<FileList> {
    let text = match read_text(dir, LIST_FILE) {
        Ok(text) => text,
        Err(error) => {
            report.find(LIST_FILE, &error);
            return None;
        }
    };
    if hex::encode(Sha256::digest(text.as_bytes())) != manifest.files_sha256 {
        report.find(LIST_FILE, "it is not the list that the manifest covers");
        return None;
    }
    let list = read_list(&text).filter(|list| list.len() as u64 == manifest.files);
    if list.is_none() {
        report.find(LIST_FILE, "it does not have the documented form");
    }
    list
}

/// Answers how many bytes the listed files have, where each is what the list says.
fn check_files(
    dir: &Path,
    found: &[String],
    list: Option<&FileList>,
    report: &mut VerifyReport,
) -> Option<u64> {
    let list = list?;
    let mut bytes = Some(0);
    // An export without media has their folder all the same.
    for folder in empty_folders(dir).unwrap_or_default() {
        if folder != MEDIA_FOLDER {
            report.find(&folder, "it is an empty directory that is not of the export");
        }
    }
    for path in found.iter().filter(|path| *path != MANIFEST_FILE && *path != LIST_FILE) {
        if !list.contains_key(path) {
            report.find(path, "it is not in the export's list of files");
        }
    }
    for (path, digest) in list {
        match digest_of(&dir.join(path)) {
            Ok((found, length)) if found == *digest => {
                bytes = bytes.map(|bytes: u64| bytes + length);
                continue;
            }
            Ok(_) => report.find(path, "its bytes are not those that the manifest covers"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                report.find(path, "it is missing");
            }
            Err(error) => report.find(path, &format!("it cannot be read: {error}")),
        }
        bytes = None;
    }
    bytes
}

fn check_checkpoint(
    dir: &Path,
    manifest: &Manifest,
    keys: &[VerifierKey],
    report: &mut VerifyReport,
) -> Option<Checkpoint> {
    let note = match read_text(dir, CHECKPOINT_FILE) {
        Ok(note) => note,
        Err(error) => {
            report.find(CHECKPOINT_FILE, &error);
            return None;
        }
    };
    let checkpoint = whole_note(&note, keys)
        .and_then(|text| Checkpoint::parse(&text).ok_or(ManifestFault::Form));
    match checkpoint {
        Ok(checkpoint) if is_of(&checkpoint, manifest) => Some(checkpoint),
        Ok(_) => {
            report.find(CHECKPOINT_FILE, "it is not the checkpoint of the manifest's stretch");
            None
        }
        Err(fault) => {
            report.find(CHECKPOINT_FILE, &fault);
            None
        }
    }
}

fn is_of(checkpoint: &Checkpoint, manifest: &Manifest) -> bool {
    checkpoint.origin == manifest.origin
        && checkpoint.size == manifest.terms.end
        && hex::encode(checkpoint.root) == manifest.root
}

/// Evidence and media; gives the index that the form is made with.
fn check_content(
    dir: &Path,
    manifest: &Manifest,
    (checkpoint, keys): (&Checkpoint, &[VerifierKey]),
    report: &mut VerifyReport,
) -> Option<Index> {
    let keys = (manifest.version != ManifestVersion::One).then_some(keys);
    // One reading proves the entries and notes what the form needs of them.
    let read = Index::of_context(dir, server_of(&manifest.origin)).and_then(|mut index| {
        let against = (&manifest.terms, checkpoint, keys);
        let evidence = check_and_take(dir, against, |line, left, offset| {
            index.take(line, left, offset);
        })?;
        Ok((evidence, index))
    });
    let index = match read.and_then(|(evidence, index)| {
        report.evidence = Some(evidence);
        index.settled()
    }) {
        Ok(index) => index,
        Err(error) => {
            report.find("evidence", &error);
            return None;
        }
    };
    let shown = report.evidence.map_or(0, |evidence| evidence.shown);
    if index.items() as u64 != shown {
        report.find("evidence", &format!("{shown} entries are shown, and {} read", index.items()));
        return None;
    }
    Some(index)
}

/// Media against the ledger, each under the name that it has to have: under another one a browser
/// might run it.
fn check_media(
    dir: &Path,
    manifest: &Manifest,
    (list, index): (&FileList, &Index),
    report: &mut VerifyReport,
) {
    let has_endings = version_of(dir).is_ok_and(|v| v.is_none_or(|v| v >= MEDIA_NAMED_SINCE));
    let mut known = HashSet::new();
    report.unproven_media = index.unproven_media();
    for id in &manifest.missing_media {
        if !index.named_media.contains_key(id) {
            report
                .find(MANIFEST_FILE, &format!("it says that {id} is missing, which is not of it"));
        }
    }
    for (id, medium) in &index.media {
        if !index.named_media.contains_key(id) {
            continue;
        }
        let content_type = medium.content_type.as_deref();
        let file = if has_endings { file_of(id, content_type) } else { id.clone() };
        let place = format!("{MEDIA_FOLDER}/{file}");
        match digest_of(&dir.join(&place)) {
            Ok((found, _)) if found == medium.sha256 => {}
            Ok(_) => report.find(&place, "its bytes are not those of the ledger"),
            Err(_) if manifest.missing_media.contains(id) => {}
            Err(_) => report.find(&place, "it is missing, and the manifest does not say so"),
        }
        known.insert(place);
    }
    for path in list.keys().filter(|path| path.starts_with("media/") && !known.contains(*path)) {
        report.find(path, "the evidence names no such medium");
    }
}

/// Of evidence there are the known files, whatever the list has.
fn check_sources(manifest: &Manifest, list: &FileList, report: &mut VerifyReport) {
    let pages = (manifest.version != ManifestVersion::One).then_some(PAGES_FILE);
    for path in list.keys().filter(|path| path.starts_with("evidence/")) {
        let known = [ENTRIES_FILE, CONTEXT_FILE].contains(&path.as_str());
        if !known && Some(path.as_str()) != pages {
            report.find(path, "there is no such evidence");
        }
    }
}

fn is_of_form(path: &str) -> bool {
    !path.starts_with("evidence/") && !path.starts_with("media/") && path != CHECKPOINT_FILE
}

/// The form is of another version than this program makes.
#[derive(Debug, thiserror::Error)]
#[error(
    "the form is of version {0} and this program makes version {FORM_VERSION}: the evidence holds, \
     and whether the form says the same has to be verified with the program that made it"
)]
struct OtherVersion(u64);

/// The form, made anew.
fn check_form(
    dir: &Path,
    manifest: &Manifest,
    (list, index): (&FileList, &Index),
    report: &mut VerifyReport,
) {
    match version_of(dir) {
        Ok(Some(version)) if version != FORM_VERSION => {
            return report.find(FORM_FILE, &OtherVersion(version));
        }
        Err(error) => return report.find(FORM_FILE, &error),
        // What does not have its form differs below.
        Ok(_) => {}
    }
    let mut comparison = Comparison::new(dir);
    if let Err(error) = write_form(manifest.format, dir, index, &mut comparison) {
        return report.find(manifest.format.name(), &error);
    }
    if let Some((path, offset)) = &comparison.difference {
        let why = "it is not what the evidence gives in this form";
        return report.find(&format!("{path} byte {offset}"), &why);
    }
    for path in list.keys() {
        if is_of_form(path) && !comparison.seen.contains(path) {
            report.find(path, "the evidence gives no such file");
        }
    }
}

/// The server's name in an origin.
pub(crate) fn server_of(origin: &str) -> &str {
    let parsed = Origin::parse(origin).map(|parsed| parsed.server_name.len());
    parsed.and_then(|length| origin.get(..length)).unwrap_or_default()
}
