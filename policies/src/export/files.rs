//! Files of an export: listing, digests, writing that a crash leaves whole or not at all.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
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

/// Makes a directory, if it is not there, for its owner only: what is exported lies in it in clear.
/// One that is there keeps its rights.
pub(super) fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Directories below one in which no file lies, by their relative paths, in order.
pub(super) fn empty_folders(dir: &Path) -> io::Result<Vec<String>> {
    let (folders, files) = tree_of(dir)?;
    let bare = |folder: &String| {
        let within = format!("{folder}/");
        // Files are in order: the first one that is not before it is in it, or none is.
        let next = files.get(files.partition_point(|file| *file < within));
        !folder.is_empty() && !next.is_some_and(|file| file.starts_with(&within))
    };
    Ok(folders.into_iter().filter(bare).collect())
}

/// Every file below a directory, by its relative path, in order. What is neither a file nor a
/// directory is an error: it would be read from elsewhere.
pub(super) fn files_of(dir: &Path) -> io::Result<Vec<String>> {
    Ok(tree_of(dir)?.1)
}

/// Syncs a directory and all below it, so that no power loss takes away what was created or renamed
/// there; and where it may be read, the one in which it stands. Files are synced by whoever writes
/// them.
pub(super) fn sync_folders(dir: &Path) -> io::Result<()> {
    for folder in tree_of(dir)?.0 {
        File::open(dir.join(folder))?.sync_all()?;
    }
    let parent = dir.parent().filter(|parent| *parent != Path::new(""));
    match File::open(parent.unwrap_or(Path::new("."))) {
        Ok(parent) => parent.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// The directories (itself is the first) and files below a directory, by their relative paths.
fn tree_of(dir: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let (mut open, mut folders, mut found) = (vec![String::new()], Vec::new(), Vec::new());
    while let Some(folder) = open.pop() {
        folders.push(folder.clone());
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
    folders.sort_unstable();
    found.sort_unstable();
    Ok((folders, found))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_without_a_file_are_told_and_one_that_is_made_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("export");
        make_private(&made).unwrap();
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
        for folder in ["media", "media-of-mine", "html/room-0001/deep"] {
            fs::create_dir_all(made.join(folder)).unwrap();
        }
        fs::write(made.join("html/index.html"), "").unwrap();
        fs::write(made.join("media/one"), "").unwrap();
        let bare = empty_folders(&made).unwrap();
        assert_eq!(bare, ["html/room-0001", "html/room-0001/deep", "media-of-mine"]);
    }

    #[test]
    fn every_folder_of_a_tree_is_there_to_be_synced() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["media", "html/room-0001", "html/no-room"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("html/no-room/2026-11-30.html"), "").unwrap();
        let (folders, files) = tree_of(dir.path()).unwrap();
        assert_eq!(folders, ["", "html", "html/no-room", "html/room-0001", "media"]);
        assert_eq!(files, ["html/no-room/2026-11-30.html"]);
        sync_folders(dir.path()).unwrap();
    }
}
