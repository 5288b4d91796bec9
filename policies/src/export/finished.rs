//! The files of an export that is finished, in the order in which they are copied elsewhere.

use std::{io, path::Path};

use super::{LIST_FILE, MANIFEST_FILE, directory::is_listed, files::files_of};

/// Whether an export is finished: it has its manifest.
pub fn is_finished(dir: &Path) -> bool {
    dir.join(MANIFEST_FILE).is_file()
}

/// Its files by their relative paths: those that the list covers, the list, and last the manifest,
/// so that a copy with a manifest is a whole one.
pub fn finished_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut found = files_of(dir)?;
    found.retain(|path| is_listed(path));
    found.extend([LIST_FILE, MANIFEST_FILE].map(str::to_owned));
    Ok(found)
}
