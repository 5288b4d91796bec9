//! Filling an export's directory with the server's pages.
//!
//! Owns the reading of answers, each a page or a piece of one, and the order of writing: evidence,
//! then its sync, then the note of how far it is whole. The next one is asked for while one is written ([`PAGES_AHEAD`] wait at
//! most), and the note is written once in [`KEPT_EVERY`] bytes: what a kill leaves beyond the
//! note is cut off by the next start and asked for again.

use std::{fs::OpenOptions, io::Write as _, ops::Range, panic::resume_unwind, sync::mpsc, thread};

use memchr::memchr;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{CONTEXT_PART, DirectoryError, ENTRIES_FILE, ExportDirectory, PAGES_FILE};

/// Pages that wait to be written, at most.
const PAGES_AHEAD: usize = 1;
/// Bytes of evidence after which it is synced and noted.
const KEPT_EVERY: u64 = 32 * 1024 * 1024;

/// A page, by what its lines are.
struct Page {
    entries: Vec<Range<usize>>,
    context: Vec<Range<usize>>,
    /// The server's word on the page that ends with it, a line.
    word: Option<String>,
    count: u64,
    next: u64,
}

/// The last line; the word is kept as it was sent, for its bytes are signed.
#[derive(Deserialize)]
struct End<'a> {
    next: u64,
    #[serde(borrow, default)]
    page: Option<&'a RawValue>,
}

impl ExportDirectory {
    /// Asks for pages or pieces of them, each by its first position and by that of its page, until
    /// the whole stretch is there; `told` hears the position after each that was written. What was
    /// written stays where either fails.
    pub fn fill<P: AsRef<[u8]> + Send, E: From<DirectoryError>>(
        &mut self,
        mut ask: impl FnMut(u64, u64) -> Result<P, E>,
        told: impl FnMut(u64) + Send,
    ) -> Result<(), E> {
        let (mut next, end) = (self.progress.next, self.progress.terms.end);
        let mut page_from = self.progress.page();
        let (pages, to_write) = mpsc::sync_channel(PAGES_AHEAD);
        thread::scope(|scope| {
            let writing = scope.spawn(move || self.take_all(&to_write, told));
            let mut asked = Ok(());
            while next < end {
                let page = match ask(next, page_from) {
                    Ok(page) => page,
                    Err(error) => {
                        asked = Err(error);
                        break;
                    }
                };
                // Whether it is the right one is for the writer to say.
                let found = end_of(page.as_ref());
                next = found.as_ref().map_or(end, |found| found.next.max(next + 1));
                if found.is_some_and(|found| found.page.is_some()) {
                    page_from = next;
                }
                if pages.send(page).is_err() {
                    break;
                }
            }
            drop(pages);
            writing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            asked
        })
    }

    fn take_all(
        &mut self,
        pages: &mpsc::Receiver<impl AsRef<[u8]>>,
        mut told: impl FnMut(u64),
    ) -> Result<(), DirectoryError> {
        let mut kept = self.progress.entries_bytes;
        let taken = pages.iter().try_for_each(|page| {
            self.take(page.as_ref())?;
            if self.progress.entries_bytes - kept >= KEPT_EVERY {
                self.keep()?;
                kept = self.progress.entries_bytes;
            }
            told(self.progress.next);
            Ok(())
        });
        // Also where a page was refused: what came before it is whole.
        taken.and(self.keep())
    }

    /// Appends a page of the server's, durably.
    pub fn append(&mut self, page: &[u8]) -> Result<(), DirectoryError> {
        self.take(page)?;
        self.keep()
    }

    /// Appends a page. A crash before the note leaves bytes that the next start cuts off.
    fn take(&mut self, page: &[u8]) -> Result<(), DirectoryError> {
        let read = read_page(page).ok_or(DirectoryError::Page)?;
        let progress = &self.progress;
        let whole = read.next == progress.next + read.count && read.next <= progress.terms.end;
        if !whole || read.count == 0 {
            return Err(DirectoryError::Page);
        }
        let runs = |runs: Vec<Range<usize>>| runs.into_iter().map(|run| &page[run]);
        let entries = self.add(ENTRIES_FILE, runs(read.entries))?;
        let context = self.add(CONTEXT_PART, runs(read.context))?;
        let word = self.add(PAGES_FILE, read.word.iter().map(String::as_bytes))?;
        self.progress.entries_bytes += entries;
        self.progress.context_bytes += context;
        self.progress.pages_bytes += word;
        self.progress.open_page = read.word.is_none().then(|| self.progress.page());
        self.progress.next = read.next;
        Ok(())
    }

    fn add<'a>(
        &self,
        file: &str,
        runs: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<u64, DirectoryError> {
        let mut file = OpenOptions::new().append(true).open(self.dir.join(file))?;
        let mut bytes = 0;
        for run in runs {
            bytes += run.len() as u64;
            file.write_all(run)?;
        }
        Ok(bytes)
    }

    /// Syncs the evidence, and notes how far it is.
    fn keep(&self) -> Result<(), DirectoryError> {
        for file in [ENTRIES_FILE, CONTEXT_PART, PAGES_FILE] {
            OpenOptions::new().append(true).open(self.dir.join(file))?.sync_data()?;
        }
        self.note()
    }
}

/// The lines of a page; `None` where it is not whole.
fn read_page(page: &[u8]) -> Option<Page> {
    let (entries, context) = (Vec::new(), Vec::new());
    let mut read = Page { entries, context, word: None, count: 0, next: 0 };
    let mut at = 0;
    loop {
        let rest = &page[at..];
        let end = at + memchr(b'\n', rest)? + 1;
        if rest.starts_with(b"{\"position\"") {
            add_line(&mut read.entries, at..end);
            read.count += 1;
        } else if rest.starts_with(b"{\"proof\"") {
            add_line(&mut read.context, at..end);
        } else {
            // The last line.
            let last: End<'_> = serde_json::from_slice(&page[at..end]).ok()?;
            read.next = last.next;
            read.word = last.page.map(|word| format!("{}\n", word.get()));
            return (end == page.len()).then_some(read);
        }
        at = end;
    }
}

/// Lines that follow each other are written at once.
fn add_line(runs: &mut Vec<Range<usize>>, line: Range<usize>) {
    match runs.last_mut() {
        Some(last) if last.end == line.start => last.end = line.end,
        _ => runs.push(line),
    }
}

/// The last line of a page.
fn end_of(page: &[u8]) -> Option<End<'_>> {
    let page = page.strip_suffix(b"\n")?;
    let start = memchr::memrchr(b'\n', page).map_or(0, |at| at + 1);
    serde_json::from_slice(&page[start..]).ok()
}
