//! The sealed files of media in a data directory: `media/<2>/<name>`, never changed once there.

use std::{fs, io, path::Path};

/// Calls `visit` for each file, with its name below the data directory.
pub(super) fn each_media_file<E: From<io::Error>>(
    data_dir: &Path,
    mut visit: impl FnMut(String, &Path) -> Result<(), E>,
) -> Result<(), E> {
    let media = data_dir.join("media");
    let folders = match fs::read_dir(&media) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for folder in folders {
        let folder = folder?;
        let Some(prefix) = plain_name(&folder.file_name(), 2) else { continue };
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            if let Some(name) = plain_name(&file.file_name(), 32) {
                visit(format!("media/{prefix}/{name}"), &file.path())?;
            }
        }
    }
    Ok(())
}

/// Hexadecimal of this length; what is still being written is elsewhere and has no such name.
fn plain_name(name: &std::ffi::OsStr, length: usize) -> Option<String> {
    let name = name.to_str()?;
    let fits = name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| name.to_owned())
}
