//! Exports of a case: what was said, and the proof that nothing of it is missing.
//!
//! Owns the evidence (entries of a stretch of the log as they are disclosed), the forms that are
//! made of it, the signed manifest, and the verifying of all of it without a server. The server
//! serves evidence alone, page by page, and keeps nothing of an export; forms are made of the
//! evidence by whoever exports, and made again by whoever verifies. Formats:
//! `docs/compliance/export.md`. Invariants: I4, I6, I10, I16. Never decides who may read.

mod calendar;
mod check;
mod directory;
mod event;
mod evidence;
mod files;
mod finished;
mod format;
mod index;
mod item;
mod lines;
mod manifest;
mod media;
mod media_names;
mod output;
mod served;
mod terms;
mod verify;

pub use self::{
    calendar::{iso, utc_day},
    check::{EvidenceFault, EvidenceReport, check_evidence},
    directory::{DirectoryError, ExportDirectory, NamedMedium, Progress, Sealing},
    evidence::{EvidenceLine, LINE_BYTES_MAX, LineFault},
    finished::{FinishedExport, FinishedFault, FinishedFile},
    format::Format,
    index::{ITEMS_MAX, IndexError, UNPROVEN_MAX},
    item::Mentions,
    manifest::{
        FILES_MAX, FileList, LIST_FILE, MANIFEST_FILE, MISSING_MEDIA_MAX, Manifest, ManifestFault,
        ManifestVersion, list_text, read_list,
    },
    served::{Marks, PageEnd, PageFault, PageStatement, PageWord, Served},
    terms::{EXPORTED, Terms, filter_of, stretch_of},
    verify::{Finding, VerifyReport, verify_export},
};

/// Every position of the stretch, in order.
pub const ENTRIES_FILE: &str = "evidence/entries.jsonl";
/// Names of streams, and what was in force before: each with its own way to the root.
pub const CONTEXT_FILE: &str = "evidence/context.jsonl";
/// Folder of the media.
pub(crate) const MEDIA_FOLDER: &str = "media";
/// Format and version of the form.
pub const FORM_FILE: &str = "form.json";
/// What the server says of each page that it served, signed.
pub const PAGES_FILE: &str = "evidence/pages.jsonl";
/// The checkpoint of the stretch's end.
pub const CHECKPOINT_FILE: &str = "checkpoint.note";
