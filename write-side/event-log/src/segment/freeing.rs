//! Giving the disk space of a replaced segment back, a little at a time.
//!
//! Owns how: an old segment that nobody reads any more is cut from its end, piece by piece. To free
//! the blocks of a whole one at once keeps every flush of the log waiting, 10 ms and more where the
//! file system tells the device of each freed block. Owns also how segments are opened for reading,
//! so that whoever has one open keeps its bytes: readers share a lock on the file, and it is cut
//! only by one who has that lock alone. A copy made by other tools has no such lock, and can come
//! to the end of a replaced segment too early; `verify` says so.
//! Touches no file that has a name.

use std::{
    fs::{File, OpenOptions, Permissions, TryLockError},
    io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::Path,
};

/// Freed without a rest.
const PIECE_BYTES: u64 = 256 * 1024;
/// A reader who holds a replaced segment is waited for so many rests.
const RESTS_FOR_READERS: u32 = 500;
/// A segment that is replaced again and again while it is opened is opened anew this often.
const OPEN_TRIES_MAX: u32 = 8;

/// Opens a segment for reading. It stays whole while it is open, whatever takes its place.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut tries = 1;
    loop {
        let file = File::open(path)?;
        let is_free = match file.try_lock_shared() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            // A file system without locks: then nothing is cut there either.
            Err(TryLockError::Error(_)) => return Ok(file),
        };
        // Replaced since it was opened, and perhaps cut already: there is a new one by now.
        if is_free && file.metadata()?.nlink() > 0 {
            return Ok(file);
        }
        if tries == OPEN_TRIES_MAX {
            return Err(io::Error::other("a segment is replaced again and again"));
        }
        tries += 1;
    }
}

/// Frees a segment that has no name any more; `rest` is called after each piece. Where that cannot
/// be done in pieces the file system does it at once, when the last reader has closed it.
///
/// A crash leaves nothing: a file without a name is gone then.
pub(super) fn free(old: &File, rest: &mut dyn FnMut()) {
    if let Err(error) = cut(old, rest) {
        tracing::debug!(%error, "a replaced segment is freed at once");
    }
}

fn cut(old: &File, rest: &mut dyn FnMut()) -> io::Result<()> {
    if old.metadata()?.nlink() > 0 {
        return Err(io::Error::other("it still has a name"));
    }
    // Segments are read-only, also for their owner; this one is nobody's any more.
    old.set_permissions(Permissions::from_mode(0o600))?;
    let ours = format!("/proc/self/fd/{}", old.as_raw_fd());
    let file = OpenOptions::new().write(true).open(ours)?;
    let mut rests = 0;
    while let Err(error) = file.try_lock() {
        match error {
            TryLockError::Error(error) => return Err(error),
            TryLockError::WouldBlock if rests == RESTS_FOR_READERS => {
                return Err(io::Error::other("somebody still reads it"));
            }
            TryLockError::WouldBlock => rests += 1,
        }
        rest();
    }
    let mut left = file.metadata()?.len();
    while left > 0 {
        left = left.saturating_sub(PIECE_BYTES);
        file.set_len(left)?;
        rest();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read as _};

    use super::*;

    const BYTES: u64 = 2 * PIECE_BYTES + 7;

    fn replaced(dir: &Path) -> (File, File) {
        let (path, new) = (dir.join("old"), dir.join("new"));
        fs::write(&path, vec![7; usize::try_from(BYTES).unwrap()]).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        fs::write(&new, "new").unwrap();
        let (old, reader) = (File::open(&path).unwrap(), open(&path).unwrap());
        fs::rename(&new, &path).unwrap();
        (old, reader)
    }

    #[test]
    fn a_replaced_segment_is_freed_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let (old, reader) = replaced(dir.path());
        drop(reader);
        let seen = old.try_clone().unwrap();
        let mut lengths = Vec::new();
        free(&old, &mut || lengths.push(seen.metadata().unwrap().len()));
        assert_eq!(lengths, [PIECE_BYTES + 7, 7, 0]);
        assert_eq!(fs::read(dir.path().join("old")).unwrap(), b"new");
    }

    #[test]
    fn who_reads_a_replaced_segment_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let (old, mut reader) = replaced(dir.path());
        let mut rests = 0;
        free(&old, &mut || rests += 1);
        assert_eq!(rests, RESTS_FOR_READERS, "and is waited for no longer than this");
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, BYTES);
    }

    #[test]
    fn a_reader_who_ends_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (old, reader) = replaced(dir.path());
        let (mut reader, seen) = (Some(reader), old.try_clone().unwrap());
        free(&old, &mut || drop(reader.take()));
        assert_eq!(seen.metadata().unwrap().len(), 0);
    }

    #[test]
    fn a_file_with_a_name_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        fs::write(&path, "text").unwrap();
        free(&File::open(&path).unwrap(), &mut || panic!("nothing is done"));
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn what_is_being_cut_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        fs::write(&path, "text").unwrap();
        let cutting = File::open(&path).unwrap();
        cutting.lock().unwrap();
        open(&path).unwrap_err();
        cutting.unlock().unwrap();
        open(&path).unwrap();
    }
}
