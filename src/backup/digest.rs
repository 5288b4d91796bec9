//! SHA-256 of files, on the way from one to the other.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
};

use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};

use super::BackupRefusal;

/// Read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Length and SHA-256 (in hexadecimal) of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Reads a file to its end and hands every piece on.
pub(super) fn read_through<E: From<io::Error>>(
    file: &mut impl Read,
    mut piece: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Seen, E> {
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
/// Where it cannot be written, its path is told; which file cannot be read, the caller knows.
pub(super) fn copy(from: &mut File, to: &Path) -> Result<Seen> {
    let unwritten = || BackupRefusal::unwritten(to);
    let mut target = File::create_new(to).map_err(unwritten())?;
    let seen = read_through(from, |piece| {
        target.write_all(piece).map_err(unwritten()).map_err(anyhow::Error::from)
    })?;
    target.sync_all().map_err(unwritten())?;
    Ok(seen)
}

/// Writes a small file. On the medium when it returns, its name not.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupRefusal> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(BackupRefusal::unwritten(path))
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
pub(super) fn sync_dir(dir: &Path) -> Result<(), BackupRefusal> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BackupRefusal::unwritten(dir))
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result, ensure};

    use super::*;

    #[test]
    fn what_a_full_disk_did_not_take_is_named_with_what_to_do() -> Result<()> {
        let full = Path::new("/dev/full");
        let error = anyhow::Error::from(write(full, b"x").err().context("it is full")?);
        let said = format!("{error:#}");
        ensure!(said.starts_with("/dev/full could not be written: No space left"), "{said}");
        let next = BackupRefusal::next_of(&error).context("what to do")?;
        ensure!(next.starts_with("free space"), "{next}");
        let deeper = error.context("no backup was made");
        ensure!(BackupRefusal::next_of(&deeper) == Some(next));
        Ok(())
    }

    #[test]
    fn a_copy_that_cannot_be_made_is_named() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let (from, to) = (dir.path().join("from"), dir.path().join("none").join("to"));
        std::fs::write(&from, "x")?;
        let error = copy(&mut File::open(&from)?, &to).err().context("no directory")?;
        ensure!(format!("{error:#}").starts_with(&format!("{} could not", to.display())));
        let next = BackupRefusal::next_of(&error).context("what to do")?;
        ensure!(next.starts_with("look at that disk"), "{next}");
        Ok(())
    }
}
