//! Writing a large file while others wait for the disk.
//!
//! Owns how: in small pieces, past the system's cache where the file system can, with a rest after
//! each. A flush of the log's own file waits for what the disk has taken before it; so that is
//! never much, and never all of a segment at once. Rests are the caller's (I9).
//! Knows nothing of what it writes.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use rustix::fs::OFlags;

/// A rest after each piece that leaves the disk to others nearly all of the time: 32 MiB are
/// written in a second, at most.
pub const WRITING_REST: Duration = Duration::from_millis(2);
/// Written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Direct writes are of whole blocks of so many bytes, at such addresses.
const BLOCK_BYTES: usize = 4096;

/// Creates a file with these bytes, which must not be there, and flushes it. `rest` is called
/// after each piece.
///
/// A crash leaves a part of it, or all of it and zeros behind.
pub(super) fn write_beside(path: &Path, bytes: &[u8], rest: &mut dyn FnMut()) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let direct = i32::try_from(OFlags::DIRECT.bits()).unwrap_or(0);
    let (file, mut is_direct) = match options.custom_flags(direct).open(path) {
        Ok(file) => (file, true),
        // Not every file system writes directly; some have created the name all the same.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => (plain(path)?, false),
        Err(error) => return Err(error),
    };
    let mut file = file;
    let mut blocks = Blocks::new();
    for (number, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
        let offset = (number * PIECE_BYTES) as u64;
        if is_direct {
            match file.write_all_at(blocks.fill(piece), offset) {
                // Blocks of another size than ours.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    (file, is_direct) = (plain(path)?, false);
                }
                other => other?,
            }
        }
        if !is_direct {
            file.write_all_at(piece, offset)?;
            file.sync_data()?;
        }
        rest();
    }
    // The last block was filled up.
    file.set_len(bytes.len() as u64)?;
    Ok(file)
}

fn plain(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Room for one piece, at an address as direct writes need it.
struct Blocks {
    room: Vec<u8>,
    start: usize,
}

impl Blocks {
    fn new() -> Self {
        let room = vec![0; PIECE_BYTES + BLOCK_BYTES];
        let start = room.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        Self { room, start }
    }

    /// The piece, filled up with zeros to a whole block.
    fn fill(&mut self, piece: &[u8]) -> &[u8] {
        let end = self.start + piece.len();
        let whole = self.start + piece.len().next_multiple_of(BLOCK_BYTES);
        self.room[self.start..end].copy_from_slice(piece);
        self.room[end..whole].fill(0);
        &self.room[self.start..whole]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_given_whatever_its_length() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 1, 4095, 4096, 4097, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 7] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let path = dir.path().join(length.to_string());
            let mut rests = 0;
            write_beside(&path, &bytes, &mut || rests += 1).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
            assert_eq!(rests, length.div_ceil(PIECE_BYTES));
        }
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        std::fs::write(&path, "text").unwrap();
        write_beside(&path, b"other", &mut || ()).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
    }
}
