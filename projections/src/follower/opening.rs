//! Opening a view's store: what does not match the log is dropped, never mended.
//!
//! Owns the choice between going on and building anew. A crash while a folder is being removed
//! leaves a folder that does not open or does not match, and the next start removes it.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::{Checkpoint, View, ViewsDir};
use crate::{
    source::{EntrySource, SourceError},
    store::{Store, StoreError},
};

/// Why a view could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder could not be made or removed.
    #[error("the folder of a view could not be changed")]
    Folder(#[source] io::Error),
    /// A new store could not be made.
    #[error("a view's store could not be opened")]
    Store(#[from] StoreError),
    /// The log could not be read.
    #[error("the log could not be read to check a view")]
    Source(#[from] SourceError),
    /// The thread could not be started.
    #[error("the follower's thread could not be started")]
    Thread(#[source] io::Error),
}

/// A store to build or to go on with, and older ones.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) checkpoint: Option<Checkpoint>,
    /// Serves until the new one has caught up.
    pub(super) older: Option<Store>,
    /// Folders to remove after the swap.
    pub(super) stale: Vec<PathBuf>,
}

/// Opens the store of `view`.
pub(super) fn open(
    view: &impl View,
    dir: &ViewsDir,
    source: &dyn EntrySource,
) -> Result<Opened, OpenError> {
    fs::create_dir_all(&dir.0).map_err(OpenError::Folder)?;
    let path = dir.view(view.name(), view.schema());
    let (store, checkpoint) =
        if let Some(opened) = open_matching(&path, view, view.schema(), source)? {
            opened
        } else {
            remove(&path)?;
            (Store::open(&path, view.grouping())?, None)
        };
    let mut older = None;
    let mut stale = Vec::new();
    for (schema, path) in older_schemas(view.name(), view.schema(), dir)? {
        if checkpoint.is_none() && older.is_none() && view.reads_schema(schema) {
            older = open_matching(&path, view, schema, source)?.map(|(store, _)| store);
        }
        stale.push(path);
    }
    Ok(Opened { store, checkpoint, older, stale })
}

/// Opens a store if its checkpoint matches the log; an empty one matches any log.
fn open_matching(
    path: &Path,
    view: &impl View,
    schema: u32,
    source: &dyn EntrySource,
) -> Result<Option<(Store, Option<Checkpoint>)>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    // A store that does not open after a power loss is no fault: it is built anew.
    // fjall asserts on some damaged journals, so a panic counts as "does not open" too.
    let grouping = view.grouping();
    let opened = catch_unwind(AssertUnwindSafe(|| Store::open(path, grouping)));
    let Ok(Ok(store)) = opened else {
        tracing::warn!(view = %path.display(), "the view's store does not open and is built anew");
        return Ok(None);
    };
    let Ok(Some(checkpoint)) = Checkpoint::read(&store.snapshot()) else {
        return Ok(None);
    };
    if checkpoint.schema != schema || !checkpoint.matches(source)? {
        tracing::warn!(view = %path.display(), "the view does not match the log and is built anew");
        return Ok(None);
    }
    Ok(Some((store, Some(checkpoint))))
}

/// Folders of other schemas of a view, the newest first.
fn older_schemas(
    name: &str,
    schema: u32,
    dir: &ViewsDir,
) -> Result<Vec<(u32, PathBuf)>, OpenError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir.0).map_err(OpenError::Folder)? {
        let entry = entry.map_err(OpenError::Folder)?;
        let file_name = entry.file_name();
        let Some(other) = file_name
            .to_str()
            .and_then(|file| file.strip_prefix(name))
            .and_then(|rest| rest.strip_prefix("-v"))
            .and_then(|number| number.parse::<u32>().ok())
        else {
            continue;
        };
        if other != schema {
            found.push((other, entry.path()));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

/// Removes a view's folder.
pub(super) fn remove(path: &Path) -> Result<(), OpenError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OpenError::Folder(error)),
        _ => Ok(()),
    }
}
