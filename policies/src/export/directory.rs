//! The directory of an export while it is made, by whoever exports.
//!
//! Owns the order in which it is filled, and what a kill at any point leaves: evidence is appended
//! page by page, and the note of how far it is whole ([`STATE_FILE`]) is written after each page
//! was synced, so that what stands beyond it is cut off and asked for again. Media are written
//! beside their name and renamed when whole; the form, the list and the manifest are functions of
//! these, and are written anew. An export that has its manifest is finished and is not touched.

mod error;
mod pages;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    os::unix::fs::FileExt as _,
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::error::DirectoryError;
use super::{
    CHECKPOINT_FILE, CONTEXT_FILE, ENTRIES_FILE, MEDIA_FOLDER, PAGES_FILE,
    files::{
        digest_of, digests_of, files_of, is_empty, locked, make_private, remove, sync_folders,
        write_durably,
    },
    format::{Format, write_form},
    index::Index,
    manifest::{FileList, LIST_FILE, MANIFEST_FILE, MISSING_MEDIA_MAX, list_text},
    media_names::{PART, file_of, part_of},
    output::DirectoryOutput,
    terms::Terms,
    verify::server_of,
};

/// How far an export is.
pub(crate) const STATE_FILE: &str = "unfinished.json";
/// What a kill while the first note is written leaves.
const STATE_NEW: &str = "unfinished.json.new";
const CONTEXT_PART: &str = "evidence/context.part";
/// Lines of context, at most; each takes some bytes of memory while they are sorted.
const CONTEXT_LINES_MAX: usize = 8_000_000;

/// How far an export is, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The export, by its number at the server.
    pub export: u64,
    /// What it is of.
    pub terms: Terms,
    /// In which form.
    pub format: Format,
    /// The next position to ask for; the stretch's end when all are there.
    pub next: u64,
    /// First position of the page of which only a part is here; absent where a page begins at `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_page: Option<u64>,
    entries_bytes: u64,
    context_bytes: u64,
    pages_bytes: u64,
    /// The checkpoint of the stretch's end, as the server signed it.
    checkpoint: String,
}

/// What is handed in for the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealing {
    /// SHA-256 of the list of files, in hexadecimal.
    pub files_sha256: String,
    /// Files in the list.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Media that the ledger proves and that the server does not have any more.
    pub missing_media: Vec<String>,
}

/// A medium that the ledger proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedMedium {
    /// Its id.
    pub id: String,
    /// Position of an entry that names it.
    pub position: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Name of its file.
    pub file: String,
}

/// An export that is not finished.
#[derive(Debug)]
pub struct ExportDirectory {
    dir: PathBuf,
    progress: Progress,
    /// Locked before anything in it is looked at, and as long as somebody works on it; gone with
    /// its process.
    _lock: File,
}

impl Progress {
    /// First position of the page that `next` lies in.
    pub fn page(&self) -> u64 {
        self.open_page.unwrap_or(self.next)
    }
}

impl ExportDirectory {
    /// The unfinished export of a directory; `None` where a new one can begin.
    pub fn resume(dir: &Path, case: u64, format: Format) -> Result<Option<Self>, DirectoryError> {
        let Some(lock) = lock_of(dir)? else { return Ok(None) };
        if dir.join(MANIFEST_FILE).exists() {
            // What a kill right after the manifest left.
            remove(&dir.join(CONTEXT_PART))?;
            remove(&dir.join(STATE_FILE))?;
            return Err(DirectoryError::Finished);
        }
        let state = match fs::read(dir.join(STATE_FILE)) {
            Ok(state) => state,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if is_empty(dir, STATE_NEW)? {
                    Ok(None)
                } else {
                    Err(DirectoryError::NotEmpty)
                };
            }
            Err(error) => return Err(error.into()),
        };
        let progress: Progress =
            serde_json::from_slice(&state).map_err(|_| DirectoryError::State)?;
        if progress.terms.case != case || progress.format != format {
            let (case, format) = (progress.terms.case, progress.format.name());
            return Err(DirectoryError::Other { case, format });
        }
        let export = Self { dir: dir.to_owned(), progress, _lock: lock };
        export.settle()?;
        Ok(Some(export))
    }

    /// Begins an export in an empty or missing directory. It is looked at under the lock: another
    /// command may have begun there, or even finished, since somebody asked for this.
    pub fn begin(
        dir: &Path,
        export: u64,
        terms: Terms,
        format: Format,
        checkpoint: &str,
    ) -> Result<Self, DirectoryError> {
        make_private(dir)?;
        let lock = locked(dir)?.ok_or(DirectoryError::Busy)?;
        if dir.join(MANIFEST_FILE).exists() {
            return Err(DirectoryError::Finished);
        }
        if dir.join(STATE_FILE).exists() {
            return Err(DirectoryError::Begun);
        }
        if !is_empty(dir, STATE_NEW)? {
            return Err(DirectoryError::NotEmpty);
        }
        let progress = Progress {
            export,
            format,
            next: terms.first,
            open_page: None,
            terms,
            entries_bytes: 0,
            context_bytes: 0,
            pages_bytes: 0,
            checkpoint: checkpoint.to_owned(),
        };
        let export = Self { dir: dir.to_owned(), progress, _lock: lock };
        // The note comes first: a kill after it leaves an export that is gone on with.
        export.note()?;
        export.settle()?;
        Ok(export)
    }

    /// Makes what the note says: folders, the checkpoint, and evidence without the half page that
    /// may stand behind it.
    fn settle(&self) -> Result<(), DirectoryError> {
        fs::create_dir_all(self.dir.join("evidence"))?;
        fs::create_dir_all(self.dir.join(MEDIA_FOLDER))?;
        write_durably(&self.dir.join(CHECKPOINT_FILE), self.progress.checkpoint.as_bytes())?;
        self.cut(ENTRIES_FILE, self.progress.entries_bytes)?;
        self.cut(CONTEXT_PART, self.progress.context_bytes)?;
        self.cut(PAGES_FILE, self.progress.pages_bytes)
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The server's name, by the checkpoint.
    pub fn server_name(&self) -> Result<String, DirectoryError> {
        let note = fs::read_to_string(self.dir.join(CHECKPOINT_FILE))?;
        Ok(server_of(note.lines().next().unwrap_or_default()).to_owned())
    }

    /// True once the whole stretch is there.
    pub fn has_all(&self) -> bool {
        self.progress.next >= self.progress.terms.end
    }

    /// Sorts the context; once the whole stretch is there.
    pub fn settle_context(&self) -> Result<(), DirectoryError> {
        let part = File::open(self.dir.join(CONTEXT_PART))?;
        let mut places: BTreeMap<u64, (u64, usize)> = BTreeMap::new();
        let (mut reader, mut line, mut offset) = (BufReader::new(&part), Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            places.entry(position_of(&line)?).or_insert((offset, length));
            offset += length as u64;
            if places.len() > CONTEXT_LINES_MAX {
                return Err(DirectoryError::TooLarge);
            }
        }
        let mut sorted = BufWriter::new(File::create(self.dir.join(CONTEXT_FILE))?);
        for (offset, length) in places.into_values() {
            line.resize(length, 0);
            part.read_exact_at(&mut line, offset)?;
            sorted.write_all(&line)?;
        }
        Ok(sorted.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
    }

    /// Media that the record names and the ledger proves. Of others (their keys are destroyed, or
    /// they never were) the evidence itself shows that there is no proof.
    pub fn media(&self, server: &str) -> Result<Vec<NamedMedium>, DirectoryError> {
        let index = Index::build(&self.dir, server)?;
        let proven = index.named_media.iter().filter_map(|(id, position)| {
            let medium = index.media.get(id)?;
            let file = file_of(id, medium.content_type.as_deref());
            let (position, sha256) = (*position, medium.sha256);
            Some(NamedMedium { id: id.clone(), position, sha256, file })
        });
        Ok(proven.collect())
    }

    /// Where a medium is written, and how many of its bytes are there; `None` where it is whole.
    pub fn medium_begun(
        &self,
        medium: &NamedMedium,
    ) -> Result<Option<(PathBuf, u64)>, DirectoryError> {
        let media = self.dir.join(MEDIA_FOLDER);
        if media.join(&medium.file).exists() {
            return Ok(None);
        }
        let part = media.join(part_of(&medium.id));
        let begun = fs::metadata(&part).map_or(0, |found| found.len());
        Ok(Some((part, begun)))
    }

    /// Gives a medium its name once it is whole and what the ledger has.
    pub fn medium_done(&self, medium: &NamedMedium) -> Result<(), DirectoryError> {
        let media = self.dir.join(MEDIA_FOLDER);
        let part = media.join(part_of(&medium.id));
        let (found, _) = digest_of(&part)?;
        if found != medium.sha256 {
            // Asked for again from its beginning.
            fs::remove_file(&part)?;
            return Err(DirectoryError::Media(medium.id.clone()));
        }
        File::open(&part)?.sync_all()?;
        Ok(fs::rename(&part, media.join(&medium.file))?)
    }

    /// Writes the form and the list of files, and says what to hand in for the manifest.
    pub fn write_forms(
        &self,
        server: &str,
        mut missing_media: Vec<String>,
    ) -> Result<Sealing, DirectoryError> {
        let (list, bytes) = self.write_and_list(server)?;
        let text = list_text(&list);
        write_durably(&self.dir.join(LIST_FILE), text.as_bytes())?;
        missing_media.sort_unstable();
        missing_media.dedup();
        if missing_media.len() > MISSING_MEDIA_MAX {
            return Err(DirectoryError::MissingMedia(missing_media.len()));
        }
        Ok(Sealing {
            files_sha256: hex::encode(Sha256::digest(text.as_bytes())),
            files: list.len() as u64,
            bytes,
            missing_media,
        })
    }

    /// Writes the form. What it is made of is digested meanwhile, and what is written while it is
    /// written, so that nothing is read for its digest alone.
    fn write_and_list(&self, server: &str) -> Result<(FileList, u64), DirectoryError> {
        let (written, mut digests) = thread::scope(|scope| {
            let digesting = scope.spawn(|| digests_of(&self.dir, is_source));
            let index = Index::build(&self.dir, server)?;
            let mut out = DirectoryOutput::new(&self.dir);
            write_form(self.progress.format, &self.dir, &index, &mut out)?;
            let digests = digesting.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            Ok::<_, DirectoryError>((out.written, digests))
        })?;
        digests.extend(written);
        let (mut list, mut bytes) = (FileList::new(), 0);
        for path in files_of(&self.dir)?.into_iter().filter(|path| is_listed(path)) {
            let known = digests.get(&path).copied();
            let (digest, length) = known.map_or_else(|| digest_of(&self.dir.join(&path)), Ok)?;
            bytes += length;
            list.insert(path, digest);
        }
        Ok((list, bytes))
    }

    /// Ends the export with its manifest. A crash before the rename leaves one that is sealed
    /// again; after it, one that is finished beside notes that the next start removes. Whatever the
    /// manifest covers is durable before it, with its name.
    pub fn finish(self, manifest: &str) -> Result<(), DirectoryError> {
        sync_folders(&self.dir)?;
        write_durably(&self.dir.join(MANIFEST_FILE), manifest.as_bytes())?;
        remove(&self.dir.join(CONTEXT_PART))?;
        Ok(remove(&self.dir.join(STATE_FILE))?)
    }

    fn cut(&self, file: &str, length: u64) -> Result<(), DirectoryError> {
        let path = self.dir.join(file);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() < length {
            return Err(DirectoryError::State);
        }
        Ok(file.set_len(length)?)
    }

    fn note(&self) -> Result<(), DirectoryError> {
        let text = serde_json::to_vec(&self.progress).map_err(io::Error::from)?;
        Ok(write_durably(&self.dir.join(STATE_FILE), &text)?)
    }
}

/// The lock of a directory; `None` where the directory is not there.
fn lock_of(dir: &Path) -> Result<Option<File>, DirectoryError> {
    match locked(dir) {
        Ok(lock) => lock.ok_or(DirectoryError::Busy).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn position_of(line: &[u8]) -> Result<u64, DirectoryError> {
    #[derive(Deserialize)]
    struct Position {
        position: u64,
    }
    let read: Position = serde_json::from_slice(line).map_err(|_| DirectoryError::Page)?;
    Ok(read.position)
}

/// Whether a form is made of a file.
fn is_source(path: &str) -> bool {
    is_listed(path) && (path.starts_with("evidence/") || path.starts_with("media/"))
}

/// Whether a file is one that the list covers.
pub(super) fn is_listed(path: &str) -> bool {
    let beside = [MANIFEST_FILE, LIST_FILE, STATE_FILE, CONTEXT_PART];
    let unfinished = [".part", PART, ".new"].iter().any(|end| path.ends_with(end));
    !beside.contains(&path) && !unfinished
}
