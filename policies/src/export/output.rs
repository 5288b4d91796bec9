//! Where forms are written to: a directory, or a comparison with what a directory holds.
//!
//! Owns both, so that the same code writes a form and verifies one. One file is open at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::files::FileDigest;

/// Takes files one after another.
pub(crate) trait Output: Write {
    /// Begins a file; paths are plain and relative.
    fn begin(&mut self, path: &str) -> io::Result<()>;

    /// Ends it.
    fn end(&mut self) -> io::Result<()>;
}

/// Writes files into a directory, and digests them meanwhile. A crash leaves a file in part, which
/// is written anew.
pub(crate) struct DirectoryOutput {
    dir: PathBuf,
    open: Option<OpenFile>,
    /// What was written, by path.
    pub(super) written: BTreeMap<String, FileDigest>,
}

struct OpenFile {
    path: String,
    file: BufWriter<File>,
    hasher: Sha256,
    length: u64,
}

impl DirectoryOutput {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: None, written: BTreeMap::new() }
    }
}

impl Output for DirectoryOutput {
    fn begin(&mut self, path: &str) -> io::Result<()> {
        let file = self.dir.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        self.open = Some(OpenFile {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, File::create(file)?),
            hasher: Sha256::new(),
            length: 0,
        });
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.written.insert(open.path, (open.hasher.finalize().into(), open.length));
        Ok(())
    }
}

impl Write for DirectoryOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let open = self.open.as_mut().ok_or_else(no_file)?;
        let taken = open.file.write(bytes)?;
        open.hasher.update(&bytes[..taken]);
        open.length += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.flush())
    }
}

/// Compares what is written with the files of a directory.
pub(crate) struct Comparison {
    dir: PathBuf,
    path: String,
    file: Option<BufReader<File>>,
    at: u64,
    /// Files that were compared.
    pub(crate) seen: BTreeSet<String>,
    /// The first difference: file, and offset in it.
    pub(crate) difference: Option<(String, u64)>,
}

impl Comparison {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            path: String::new(),
            file: None,
            at: 0,
            seen: BTreeSet::new(),
            difference: None,
        }
    }

    fn differs(&mut self) {
        self.difference.get_or_insert((self.path.clone(), self.at));
        self.file = None;
    }
}

impl Output for Comparison {
    fn begin(&mut self, path: &str) -> io::Result<()> {
        path.clone_into(&mut self.path);
        self.seen.insert(self.path.clone());
        self.at = 0;
        match File::open(self.dir.join(path)) {
            Ok(file) => self.file = Some(BufReader::with_capacity(1 << 20, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.differs(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file
            && !file.fill_buf()?.is_empty()
        {
            self.differs();
        }
        self.file = None;
        Ok(())
    }
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(file) = &mut self.file else { break };
            let found = file.fill_buf()?;
            let length = found.len().min(rest.len());
            let same = if found[..length] == rest[..length] {
                length
            } else {
                found.iter().zip(rest).take_while(|(a, b)| a == b).count()
            };
            self.at += same as u64;
            if length == 0 || same < length {
                self.differs();
                break;
            }
            file.consume(length);
            rest = &rest[length..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_file() -> io::Error {
    io::Error::other("no file was begun")
}
