//! How far an export that goes off-site is, read off its directory, the one beside it, and the place.
//!
//! Owns that nothing is put, removed or called complete but the export that is asked for. An export
//! that is made lies in its directory with its manifest. Once all of it is there the directory is
//! renamed, and removed; what a kill leaves of it has its manifest to the last, and then nothing.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use policies::export::{FinishedExport, FinishedFault, Format, MANIFEST_FILE, Manifest};

use crate::{
    backup::Sink,
    cli::{Failure, backup::advised},
};

/// A manifest is at most this large.
const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Number of the case.
    pub(super) case: u64,
    /// In which form.
    pub(super) format: Format,
    /// The end of its stretch, where one is named.
    pub(super) end: Option<u64>,
}

/// How far it is.
pub(super) enum Stage {
    /// It is to be made, or made to its end.
    ToMake,
    /// It is made, and not all of it is there.
    Made(Box<FinishedExport>),
    /// All of it is there, and nothing here any more.
    Put(Box<Manifest>),
}

impl Wanted {
    fn is(&self, found: &Manifest) -> bool {
        let end = self.end.is_none_or(|end| end == found.terms.end);
        end && found.terms.case == self.case && found.format == self.format
    }

    /// Refuses another export.
    fn check(&self, dir: &Path, found: &Manifest) -> anyhow::Result<()> {
        if self.is(found) {
            return Ok(());
        }
        let what = format!("{} holds {}, and another was asked for", dir.display(), named(found));
        let next = "say --case, --format and --end as they are, or name another directory";
        Err(Failure::new(what, next).into())
    }
}

/// An export in words.
pub(super) fn named(found: &Manifest) -> String {
    format!(
        "the export of case {} of {} as {}, positions {} to before {}",
        found.terms.case,
        found.origin,
        found.format.name(),
        found.terms.first,
        found.terms.end
    )
}

/// How far the export is that is made in `dir` and put to `sink`.
pub(super) fn stage(dir: &Path, sink: &Sink, wanted: &Wanted) -> anyhow::Result<Stage> {
    let beside = put_away(dir);
    if let Some(found) = whole_there(dir, &beside, sink, wanted)? {
        remove(&beside)?;
        return Ok(Stage::Put(Box::new(found)));
    }
    let made = finished(dir)?;
    let same_there = match &made {
        Some(made) => {
            wanted.check(dir, &made.manifest)?;
            sink.was_put(&dir.join(MANIFEST_FILE), MANIFEST_FILE).map_err(advised)?
        }
        None => false,
    };
    if !same_there && sink.has_any(MANIFEST_FILE).map_err(advised)? {
        let what = format!("{} holds an export that is complete", sink.name());
        let next = "verify it with `chancery verify`, or name another prefix";
        return Err(Failure::new(what, next).into());
    }
    let Some(made) = made else {
        // An earlier try may have put files of this form, and was made anew.
        sink.holds_only(|name| wanted.format.may_hold(name)).map_err(advised)?;
        return Ok(Stage::ToMake);
    };
    Ok(Stage::Made(Box::new(made)))
}

/// Gives the directory of an export the name that says that all of it is there, and removes it.
pub(super) fn end(dir: &Path) -> anyhow::Result<()> {
    let beside = put_away(dir);
    fs::rename(dir, &beside).with_context(|| format!("{} could not be renamed", dir.display()))?;
    // Durable before anything in it goes.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new("."))).and_then(|parent| parent.sync_all())?;
    remove(&beside)
}

/// What an earlier command put whole and did not remove; refuses what else stands in the way.
fn whole_there(
    dir: &Path,
    beside: &Path,
    sink: &Sink,
    wanted: &Wanted,
) -> anyhow::Result<Option<Manifest>> {
    let entries = match fs::symlink_metadata(beside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.is_dir() => fs::read_dir(beside)?.count(),
        other => other.map(|_| 1)?,
    };
    if entries == 0 {
        // Killed right after its manifest went; an empty one beside another export is in no way.
        return if dir.exists() { Ok(None) } else { claimed(sink, wanted) };
    }
    let in_the_way = |what: &str| {
        let what = format!("{} is in the way: {what}", beside.display());
        Failure::new(what, "move it away, or name another directory with --work")
    };
    if dir.exists() {
        return Err(in_the_way("it is kept free for when all is put").into());
    }
    let Some(made) = finished(beside)? else {
        return Err(in_the_way("it holds something else than an export").into());
    };
    wanted.check(beside, &made.manifest)?;
    if !sink.has(&beside.join(MANIFEST_FILE), MANIFEST_FILE).map_err(advised)? {
        let what = format!("{} holds an export that is not in {}", beside.display(), sink.name());
        let next = "name the place that it was put to, or move that directory away";
        return Err(Failure::new(what, next).into());
    }
    Ok(Some(made.manifest))
}

/// What the place says that it holds, if it is what is asked for.
fn claimed(sink: &Sink, wanted: &Wanted) -> anyhow::Result<Option<Manifest>> {
    let found = sink.first_put(MANIFEST_FILE, MANIFEST_BYTES_MAX).map_err(advised)?;
    let found = found.and_then(|note| FinishedExport::claim(&String::from_utf8(note).ok()?).ok());
    Ok(found.filter(|found| wanted.is(found)))
}

fn finished(dir: &Path) -> anyhow::Result<Option<FinishedExport>> {
    FinishedExport::open(dir).map_err(|fault| unusable(dir, &fault))
}

/// A fault of an export that was made, with what to do.
pub(super) fn unusable(dir: &Path, fault: &FinishedFault) -> anyhow::Error {
    let cause = std::error::Error::source(fault).map(|cause| format!(": {cause}"));
    let cause = cause.unwrap_or_default();
    let what = format!("{} cannot be put: {fault}{cause}", dir.display());
    let next = "take out what does not belong there, or export it anew in another directory";
    Failure::new(what, next).into()
}

/// Removes a directory of which all is there: the manifest last, by which it is known. A kill
/// leaves what the same command removes.
fn remove(dir: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} could not be removed", dir.display());
    for entry in fs::read_dir(dir).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let path = entry.path();
        if entry.file_name() == MANIFEST_FILE {
            continue;
        }
        let is_dir = entry.file_type().with_context(failed)?.is_dir();
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(failed)?;
    }
    let manifest = dir.join(MANIFEST_FILE);
    if manifest.exists() {
        fs::remove_file(manifest).with_context(failed)?;
    }
    fs::remove_dir(dir).with_context(failed)
}

/// What the directory is called once all of it is there.
fn put_away(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".put");
    dir.with_file_name(name)
}
