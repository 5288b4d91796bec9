//! `chancery audit export`.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::Filter;
use crate::cli::{Failure, staff::Access};

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The file; it must not be there yet. Only its owner can read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    access: Access,
}

/// Writes beside the file and renames once all of it is on disk: a break leaves `FILE.partial`,
/// which the next run begins anew, and never half an export under the name that was asked for.
pub(super) fn run(command: &Export) -> anyhow::Result<()> {
    let out = &command.out;
    if out.exists() {
        let what = format!("{} is there already", out.display());
        return Err(Failure::new(what, "name a file that is not").into());
    }
    let mut partial = out.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let entries = write(command, &partial)?;
    std::fs::rename(&partial, out)
        .with_context(|| format!("cannot rename {} to {}", partial.display(), out.display()))?;
    let answer = json!({ "entries": entries, "file": out });
    command.access.show(&answer, |_| vec![format!("{entries} entries in {}", out.display())])
}

fn write(command: &Export, path: &Path) -> anyhow::Result<u64> {
    let unwritten = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(begin(path).with_context(unwritten)?);
    let mut entries = 0;
    command.filter.each(&command.access, |entry: &Value| {
        entries += 1;
        writeln!(file, "{entry}").with_context(unwritten)
    })?;
    file.flush().and_then(|()| file.get_ref().sync_all()).with_context(unwritten)?;
    Ok(entries)
}

fn begin(path: &Path) -> std::io::Result<File> {
    // What a break left is no export, and whoever made it may have made it readable.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
