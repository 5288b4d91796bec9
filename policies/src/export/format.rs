//! The forms in which an export is written for people and for other programs.
//!
//! Owns what they share: the pass over the evidence, lines that are looked up again, and media.
//! A form is a function of the evidence and the media files alone; so whoever verifies makes it
//! anew and compares.

mod csv;
mod eml;
mod html;
mod jsonl;
mod later;
mod mail;
mod present;
mod rsmf;
mod safe;
mod said;
mod slices;
mod transcript;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::safe::file_name;
use super::{
    CHECKPOINT_FILE, CONTEXT_FILE, ENTRIES_FILE, FORM_FILE, MEDIA_FOLDER, PAGES_FILE,
    check::EvidenceFault,
    event::Event,
    evidence::{EvidenceLine, LineFault},
    index::{Index, Place, may_be_item},
    item::{Item, What, avatar_ids},
    lines::{LinesAt, each_line},
    manifest::{LIST_FILE, MANIFEST_FILE},
    media_names::file_of,
    output::Output,
};

/// Version of all forms; a newer one says other bytes of the same evidence. 1 had no file that
/// told it; 2 did not tell in tables and JSON lines who deleted and why.
pub(crate) const FORM_VERSION: u64 = 3;
/// From this one on media files have endings.
pub(crate) const MEDIA_NAMED_SINCE: u64 = 3;
/// Bytes of the file that tells a form's version, at most.
const FORM_FILE_BYTES_MAX: u64 = 4 * 1024;
/// Bytes of the lines whose items wait for the pass, at most.
const AHEAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON lines, complete.
    Jsonl,
    /// A table.
    Csv,
    /// Relativity Short Message Format 2.0.0, a file for each room and day.
    Rsmf,
    /// A mail with the transcript of each room and day.
    Eml,
    /// Pages for reading and printing, one for each room and day.
    Html,
}

impl Format {
    /// All forms.
    pub const ALL: [Self; 5] = [Self::Jsonl, Self::Csv, Self::Rsmf, Self::Eml, Self::Html];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Rsmf => "rsmf",
            Self::Eml => "eml",
            Self::Html => "html",
        }
    }

    /// Whether an export in this form may have a file of this name.
    pub fn may_hold(self, name: &str) -> bool {
        let common = [
            CHECKPOINT_FILE,
            CONTEXT_FILE,
            ENTRIES_FILE,
            PAGES_FILE,
            FORM_FILE,
            LIST_FILE,
            MANIFEST_FILE,
        ];
        let below =
            |folder: &str| name.strip_prefix(folder).is_some_and(|in_it| in_it.starts_with('/'));
        let of_form = match self {
            Self::Jsonl => name == jsonl::FILE,
            Self::Csv => name == csv::FILE,
            Self::Rsmf | Self::Eml | Self::Html => below(self.name()),
        };
        common.contains(&name) || below(MEDIA_FOLDER) || of_form
    }

    /// The form of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Why a form was not written.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// A file.
    #[error("a file of the export could not be read or written")]
    Io(#[from] io::Error),
    /// The evidence.
    #[error(transparent)]
    Evidence(#[from] EvidenceFault),
    /// A line of the evidence.
    #[error("a line of the evidence cannot be read: {0}")]
    Line(#[from] LineFault),
    /// Items were left out, or told twice.
    #[error("the form tells {told} items and the evidence has {items}")]
    Items {
        /// Of the form.
        told: usize,
        /// Of the evidence.
        items: usize,
    },
}

/// What a form is made of.
pub(crate) struct Source<'a> {
    dir: PathBuf,
    pub(crate) index: &'a Index,
    lines: LinesAt,
    context: LinesAt,
    /// Items that were looked up before the pass came to them, by the offsets of their lines.
    ahead: HashMap<u64, Item>,
    ahead_bytes: usize,
    /// How far the pass is; none while slices are read.
    passed: Option<u64>,
    /// Items that were told so far.
    told: usize,
}

/// Writes a form.
pub(crate) fn write_form(
    format: Format,
    dir: &Path,
    index: &Index,
    out: &mut dyn Output,
) -> Result<(), FormError> {
    let mut source = Source::open(dir, index)?;
    match format {
        Format::Jsonl => jsonl::write(&mut source, out),
        Format::Csv => csv::write(&mut source, out),
        Format::Rsmf => rsmf::write(&mut source, out),
        Format::Eml => eml::write(&mut source, out),
        Format::Html => html::write(&mut source, out),
    }?;
    let (told, items) = (source.told, index.items());
    if told != items {
        return Err(FormError::Items { told, items });
    }
    out.begin(FORM_FILE)?;
    writeln!(out, "{{\"format\":\"{}\",\"version\":{FORM_VERSION}}}", format.name())?;
    Ok(out.end()?)
}

/// The version of the form in a directory, by the file that tells it; `None` where that file does
/// not have its form.
pub(crate) fn version_of(dir: &Path) -> io::Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Form {
        version: u64,
    }
    let mut text = String::new();
    match File::open(dir.join(FORM_FILE)) {
        Ok(file) => file.take(FORM_FILE_BYTES_MAX).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(1)),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_str(&text).ok().map(|form: Form| form.version))
}

impl<'a> Source<'a> {
    fn open(dir: &Path, index: &'a Index) -> io::Result<Self> {
        let (lines, context) =
            (LinesAt::open(dir, ENTRIES_FILE)?, LinesAt::open(dir, CONTEXT_FILE)?);
        let (dir, ahead) = (dir.to_owned(), HashMap::new());
        Ok(Self { dir, index, lines, context, ahead, ahead_bytes: 0, passed: None, told: 0 })
    }

    /// Visits every item in order of the log. A line is read once: what was looked up before is
    /// kept until the pass comes to it.
    pub(crate) fn each(
        &mut self,
        mut visit: impl FnMut(&mut Self, Item) -> Result<(), FormError>,
    ) -> Result<(), FormError> {
        let mut failed = Ok(());
        let dir = self.dir.clone();
        let mut offset = 0;
        each_line(&dir, ENTRIES_FILE, |number, line| {
            let at = offset;
            offset += line.len() as u64 + 1;
            if failed.is_err() || !may_be_item(line) {
                return Ok(());
            }
            self.passed = Some(at);
            let item = if let Some(item) = self.ahead.remove(&at) {
                self.ahead_bytes -= line.len();
                Some(item)
            } else {
                let line = EvidenceLine::parse(line).map_err(|fault| EvidenceFault::Line {
                    file: ENTRIES_FILE,
                    line: number,
                    fault,
                })?;
                Item::of(&line, &self.index.names)
            };
            if let Some(item) = item {
                self.told += 1;
                failed = visit(self, item);
            }
            Ok(())
        })?;
        failed
    }

    /// The item whose line is at a place.
    pub(crate) fn item(&mut self, place: Place) -> Result<Option<Item>, FormError> {
        if let Some(item) = self.ahead.get(&place.offset) {
            return Ok(Some(item.clone()));
        }
        let line = self.lines.read(place.offset)?;
        let item = Item::of(&EvidenceLine::parse(&line)?, &self.index.names);
        if let Some(item) = &item
            && self.passed.is_some_and(|passed| passed < place.offset)
            && self.ahead_bytes + line.len() <= AHEAD_BYTES_MAX
        {
            self.ahead.insert(place.offset, item.clone());
            self.ahead_bytes += line.len();
        }
        Ok(item)
    }

    /// The event whose line is at a place, and when it was recorded.
    fn event(&mut self, place: Place) -> Result<Option<(u64, Arc<Event>)>, FormError> {
        Ok(self.item(place)?.and_then(event_of))
    }

    /// The same of a line of the context.
    fn event_of_context(&mut self, offset: u64) -> Result<Option<(u64, Arc<Event>)>, FormError> {
        let line = self.context.read(offset)?;
        Ok(Item::of(&EvidenceLine::parse(&line)?, &self.index.names).and_then(event_of))
    }

    /// Media that an event names and the export has or misses.
    pub(crate) fn media(&self, event: &Event) -> Vec<MediaFile> {
        let ids = event.media_ids(&self.index.server);
        ids.into_iter().map(|id| self.media_file(id)).collect()
    }

    /// The same of any item: profiles name media too.
    pub(crate) fn media_of(&self, item: &Item) -> Vec<MediaFile> {
        match &item.what {
            What::Event(event) => self.media(event),
            What::Profile { value, .. } => {
                let ids = avatar_ids(value, &self.index.server);
                ids.into_iter().map(|id| self.media_file(id)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn media_file(&self, id: String) -> MediaFile {
        let medium = self.index.media.get(&id);
        let content_type = medium.and_then(|medium| medium.content_type.as_deref());
        let path = format!("{MEDIA_FOLDER}/{}", file_of(&id, content_type));
        // A file that the ledger does not prove is none, whoever put it there.
        let there = medium.and_then(|_| std::fs::metadata(self.dir.join(&path)).ok());
        let bytes = there.map(|found| found.len());
        MediaFile {
            content_type: content_type.map(str::to_owned),
            name: medium.and_then(|medium| medium.file_name.clone()),
            sha256: medium.map(|medium| hex::encode(medium.sha256)),
            bytes,
            path,
            id,
        }
    }

    /// Copies a media file, in pieces.
    pub(crate) fn copy_media(&self, file: &MediaFile, to: &mut dyn Write) -> io::Result<()> {
        io::copy(&mut File::open(self.dir.join(&file.path))?, to).map(|_| ())
    }
}

fn event_of(item: Item) -> Option<(u64, Arc<Event>)> {
    match item.what {
        What::Event(event) => Some((item.recorded_at, event)),
        _ => None,
    }
}

/// A media file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaFile {
    pub(crate) id: String,
    /// In the export's directory.
    pub(crate) path: String,
    /// Its length; absent where the export does not have it.
    pub(crate) bytes: Option<u64>,
    pub(crate) sha256: Option<String>,
    pub(crate) content_type: Option<String>,
    /// As whoever sent it wrote it, whatever that is.
    pub(crate) name: Option<String>,
}

impl MediaFile {
    /// A name under which it can be saved.
    pub(crate) fn safe_name(&self) -> String {
        file_name(self.name.as_deref(), &self.id)
    }
}
