//! Holding evidence against the server's word on its pages.
//!
//! Owns the pass over the file of pages beside the one over the entries: pages follow each other
//! without a gap, each signed by a trusted key, and what the evidence does not show is what the
//! server said it would not. Evidence that shows more is no lie: something may have been destroyed
//! between two answers. In memory are one page and the positions of the context.

use std::{collections::HashMap, fs::File, io, path::Path};

use event_log::ledger::{Checkpoint, VerifierKey};

use super::{Marks, PageStatement, PageWord, Served};
use crate::export::{
    PAGES_FILE,
    check::EvidenceFault,
    evidence::LineFault,
    lines::{Lines, Next},
    manifest::{ManifestFault, whole_note},
    terms::Terms,
};

/// Why a line is not the server's word on the next page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Not the documented form.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The note.
    #[error(transparent)]
    Note(#[from] ManifestFault),
    /// It is signed, and on something else.
    #[error("what the server signed there is not this, or is on another page")]
    Other,
}

/// The server's words on the pages of a stretch.
pub(in crate::export) struct ServedPages<'a> {
    keys: &'a [VerifierKey],
    terms: &'a Terms,
    checkpoint: &'a Checkpoint,
    lines: Lines<File>,
    number: u64,
    /// The position after the page at hand.
    until: u64,
    marks: Marks,
    context: HashMap<u64, u8>,
}

impl<'a> ServedPages<'a> {
    pub(in crate::export) fn open(
        dir: &Path,
        keys: &'a [VerifierKey],
        terms: &'a Terms,
        checkpoint: &'a Checkpoint,
    ) -> Result<Self, EvidenceFault> {
        let lines = Lines::new(File::open(dir.join(PAGES_FILE)).map_err(unreadable)?);
        let (until, marks, context) = (terms.first, Marks::new(), HashMap::new());
        Ok(Self { keys, terms, checkpoint, lines, number: 0, until, marks, context })
    }

    /// Whether the server said of an entry what the evidence says: that it is withheld (0), or
    /// which of its parts are destroyed. Entries come in order.
    pub(in crate::export) fn said(&mut self, position: u64, mark: u8) -> Result<(), EvidenceFault> {
        while position >= self.until {
            if !self.go_on()? {
                return Err(EvidenceFault::Unsaid(position));
            }
        }
        let found = self.marks.binary_search_by_key(&position, |(at, _)| *at);
        let said = found.ok().map(|at| self.marks[at].1);
        let fits = said.is_some_and(|said| (said == 0) == (mark == 0) && mark & !said == 0);
        if fits { Ok(()) } else { Err(EvidenceFault::Unsaid(position)) }
    }

    /// What belongs to the context, once all entries were seen.
    pub(in crate::export) fn finish(mut self) -> Result<ServedContext, EvidenceFault> {
        while self.go_on()? {}
        if self.until != self.terms.end {
            return Err(EvidenceFault::PagesShort(self.until));
        }
        Ok(ServedContext(self.context))
    }

    /// Takes the next page; false where there is none.
    fn go_on(&mut self) -> Result<bool, EvidenceFault> {
        self.number += 1;
        let line = self.number;
        let at_line = |fault| EvidenceFault::Page { line, fault };
        let word = match self.lines.next().map_err(unreadable)? {
            Next::Line(text) => read(text).map_err(at_line)?,
            Next::End => return Ok(false),
            Next::Torn => return Err(at_line(LineFault::Form.into())),
        };
        let text = whole_note(&word.note, self.keys).map_err(|fault| at_line(fault.into()))?;
        let until = self.is_next(&text, &word.served).ok_or_else(|| at_line(PageFault::Other))?;
        for (position, mark) in word.served.context {
            *self.context.entry(position).or_default() |= mark;
        }
        (self.until, self.marks) = (until, word.served.marks);
        Ok(true)
    }

    /// Where the page ends of which a text is the statement, if it is the next one.
    fn is_next(&self, text: &str, served: &Served) -> Option<u64> {
        let (_, json) = text.split_once('\n')?;
        let until = serde_json::from_str::<PageStatement>(json).ok()?.until;
        let page = (self.until, until);
        let expected = PageStatement::of_terms(self.terms, self.checkpoint, page, served);
        let goes_on = until > self.until && until <= self.terms.end;
        (goes_on && expected.text() == text).then_some(until)
    }
}

/// A line, if it is exactly what is written.
fn read(text: &[u8]) -> Result<PageWord, PageFault> {
    let word: PageWord = serde_json::from_slice(text).map_err(|_| LineFault::Form)?;
    let written = serde_json::to_vec(&word).map_err(|_| LineFault::Form)?;
    if written == text { Ok(word) } else { Err(LineFault::Form.into()) }
}

/// What the server gave as context over all pages, and was not asked for yet.
pub(in crate::export) struct ServedContext(HashMap<u64, u8>);

impl ServedContext {
    /// Whether the server gave an entry, with no less of it than is shown. Each is asked for once.
    pub(in crate::export) fn gave(&mut self, position: u64, destroyed: u8) -> bool {
        self.0.remove(&position).is_some_and(|said| destroyed & !said == 0)
    }

    /// The first entry that it gave and that nobody asked for.
    pub(in crate::export) fn missing(&self) -> Option<u64> {
        self.0.keys().min().copied()
    }
}

fn unreadable(error: io::Error) -> EvidenceFault {
    EvidenceFault::Io { file: PAGES_FILE, error }
}
