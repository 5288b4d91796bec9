//! SHA-256 of files, on the way from one to the other.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};

/// Read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Length and SHA-256 (in hexadecimal) of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Reads a file to its end and hands every piece on.
pub(super) fn read_through(
    file: &mut impl Read,
    mut piece: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Seen> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let Some(read @ [_, ..]) = buffer.get(..read) else { break };
        context.update(read);
        piece(read)?;
        bytes += read.len() as u64;
    }
    Ok(Seen { bytes, sha256: hex::encode(context.finish()) })
}

/// Copies an open file to a path that is not there. On the medium when it returns, its name not.
pub(super) fn copy(from: &mut File, to: &Path) -> io::Result<Seen> {
    let mut target = File::create_new(to)?;
    let seen = read_through(from, |piece| target.write_all(piece))?;
    target.sync_all()?;
    Ok(seen)
}

/// Length and SHA-256 of a file.
pub(super) fn of_file(path: &Path) -> io::Result<Seen> {
    read_through(&mut File::open(path)?, |_| Ok(()))
}

/// SHA-256 of bytes, in hexadecimal.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&SHA256, bytes))
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
