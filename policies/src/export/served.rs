//! The server's word on a page of evidence: what of it is destroyed or withheld, and which context
//! belongs to it.
//!
//! Owns the statement that the ledger's key signs for each page when it is served, and the lists
//! that it covers. Texts prove themselves; that one is *not* there only the server can say, so it
//! says it where it serves and not where somebody asks for a seal. The statement names log, root,
//! case and stretch: it fits no other export. Nothing is kept of it on the server. Invariant: I10.

mod reading;

use event_log::{Shown, ledger::Checkpoint};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::reading::PageFault;
pub(super) use self::reading::{ServedContext, ServedPages};
use super::{evidence::EvidenceLine, terms::Terms};

/// Positions and what is said of each: bit *i* for part *i* + 1 that is destroyed, 0 for none.
pub type Marks = Vec<(u64, u8)>;

const FIRST_LINE: &str = "chancery export page 1\n";

/// What the server says of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// Entries that the scope may take in by their headers and that are not shown whole, in order:
    /// 0 for one that is withheld, for it is not of the scope.
    pub marks: Marks,
    /// Entries of the context that came with the page, in order: 0 for one that is shown whole.
    pub context: Marks,
}

impl Served {
    /// Notes an entry that the scope may take in by its header, as it is served.
    pub fn note(&mut self, line: &EvidenceLine) {
        let mark = mark_of(line).map(|mark| (line.entry.header.position.0, mark));
        self.marks.extend(mark);
    }

    /// Notes an entry of the context.
    pub fn note_context(&mut self, line: &EvidenceLine) {
        self.context.push((line.entry.header.position.0, destroyed_parts(line)));
    }

    fn sha256(&self) -> [u8; 32] {
        // Numbers always encode.
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// What has to be said of an entry that the scope may take in; `None` where it is shown whole.
pub(super) fn mark_of(line: &EvidenceLine) -> Option<u8> {
    if line.is_withheld() {
        return Some(0);
    }
    Some(destroyed_parts(line)).filter(|parts| *parts != 0)
}

/// The parts that are said to be destroyed, a bit each.
pub(super) fn destroyed_parts(line: &EvidenceLine) -> u8 {
    let parts = (0..).zip(&line.entry.parts);
    parts.filter(|(_, part)| part.shown == Shown::Destroyed).fold(0, |all, (bit, _)| all | 1 << bit)
}

/// Which page a statement is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageStatement {
    /// Origin of the log.
    pub origin: String,
    /// Root of the tree over all entries up to the stretch's end, in hexadecimal.
    pub root: String,
    /// The case.
    pub case: u64,
    /// First position of the stretch.
    pub first: u64,
    /// The position after its last one.
    pub end: u64,
    /// First position of the page.
    pub from: u64,
    /// The position after its last one.
    pub until: u64,
    /// SHA-256 of the JSON of what is served, in hexadecimal.
    pub served_sha256: String,
}

impl PageStatement {
    /// The statement on a page of a stretch that ends with a checkpoint's tree.
    pub fn new(
        checkpoint: &Checkpoint,
        (case, first): (u64, u64),
        (from, until): (u64, u64),
        served: &Served,
    ) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            root: hex::encode(checkpoint.root),
            case,
            first,
            end: checkpoint.size,
            from,
            until,
            served_sha256: hex::encode(served.sha256()),
        }
    }

    fn of_terms(terms: &Terms, checkpoint: &Checkpoint, page: (u64, u64), served: &Served) -> Self {
        Self::new(checkpoint, (terms.case, terms.first), page, served)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        // Strings and numbers always encode.
        format!("{FIRST_LINE}{}\n", serde_json::to_string(self).unwrap_or_default())
    }
}

/// A line of the file of pages: what the server says of one, and its signature over that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageWord {
    /// What it says.
    pub served: Served,
    /// The statement, as a signed note.
    pub note: String,
}

/// The last line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageEnd {
    /// Where to go on.
    pub next: u64,
    /// True where nothing of the scope follows.
    pub done: bool,
    /// The word on the page, where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageWord>,
}

impl PageEnd {
    /// The line, with its newline.
    pub fn line(&self) -> String {
        // Strings and numbers always encode.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}
