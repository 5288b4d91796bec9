//! Files of an export: listing, digests, writing that a crash leaves whole or not at all.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// A lock on a directory, gone with its process; `None` where another one has it.
pub(super) fn locked(dir: &Path) -> io::Result<Option<File>> {
    let lock = File::open(dir)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Every file below a directory, by its relative path, in order. What is neither a file nor a
/// directory is an error: it would be read from elsewhere.
pub(super) fn files_of(dir: &Path) -> io::Result<Vec<String>> {
    let (mut open, mut found) = (vec![String::new()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(dir.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                found.push(path);
            } else {
                return Err(io::Error::other(format!("{path} is no file")));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// SHA-256 and length.
pub(super) type FileDigest = ([u8; 32], u64);

/// The digests of those files of a directory that are wanted, by path.
pub(super) fn digests_of(
    dir: &Path,
    wanted: fn(&str) -> bool,
) -> io::Result<BTreeMap<String, FileDigest>> {
    let paths = files_of(dir)?.into_iter().filter(|path| wanted(path));
    paths.map(|path| digest_of(&dir.join(&path)).map(|digest| (path, digest))).collect()
}

/// SHA-256 and length of a file, read in pieces.
pub(super) fn digest_of(path: &Path) -> io::Result<FileDigest> {
    let (mut file, mut hasher, mut length) = (File::open(path)?, Sha256::new(), 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((hasher.finalize().into(), length));
        }
        hasher.update(&piece[..read]);
        length += read as u64;
    }
}

/// Whether a directory holds nothing but perhaps one file, or is not there.
pub(super) fn is_empty(dir: &Path, but: &str) -> io::Result<bool> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    for entry in entries {
        if entry?.file_name() != but {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes beside, syncs, renames, and syncs the directory.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
