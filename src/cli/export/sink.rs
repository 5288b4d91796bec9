//! An export that goes off-site: made here as every other, put there file by file, locked.
//!
//! Owns the order: the manifest last, so that a prefix with a manifest holds all of it, and nothing
//! else as far as was seen before that; then what was made here is removed. A kill before that leaves the export here, whole or not, and files
//! there that the same command finds again. How far it is says [`stage`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use policies::{
    document::read_document,
    export::{FinishedExport, FinishedFault, FinishedFile, MANIFEST_FILE},
};

use super::{
    Client, Meter,
    stage::{self, Stage, Wanted},
};
use crate::{
    backup::{LockTerms, Place, Sink},
    cli::{Failure, Origin, backup::advised},
    clock::SystemClock,
    offsite::longest_days,
};

/// Where an export goes.
pub(super) struct Target {
    /// The directory in which it is made.
    pub(super) dir: PathBuf,
    /// Where it is put then.
    place: Option<Place>,
}

impl Target {
    /// Out of `--out` and `--work`.
    pub(super) fn of(out: &str, work: Option<&Path>, origin: &Origin) -> anyhow::Result<Self> {
        if !out.starts_with("s3://") {
            if work.is_some() {
                let what = "--work is for exports to s3://bucket/prefix";
                return Err(Failure::new(what, "leave it out").into());
            }
            return Ok(Self { dir: PathBuf::from(out), place: None });
        }
        let Some(work) = work else {
            return Err(Failure::new(
                "an export is made in a directory before it is put off-site",
                "name one with --work; it is removed at the end",
            )
            .into());
        };
        if work.file_name().is_none() {
            let what =
                format!("{} is no directory that can be renamed and removed", work.display());
            return Err(Failure::new(what, "name one of its own with --work").into());
        }
        let offsite = origin.config()?.offsite;
        let place = Place::parse(out, Some(&offsite)).map_err(|error| advised(error.into()))?;
        Ok(Self { dir: work.to_owned(), place: Some(place) })
    }

    /// What will happen there, in words.
    pub(super) fn words(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        Some(format!(
            "Then it is put to {place}, where nobody can delete it before its date, not even where \
             a person is erased; {} is removed.",
            self.dir.display()
        ))
    }

    /// How far it is. Refuses a prefix that holds another export, and directories that hold
    /// something else; before anything is asked of the server.
    pub(super) fn stage(&self, wanted: &Wanted) -> anyhow::Result<Stage> {
        let Some(place) = &self.place else { return Ok(Stage::ToMake) };
        let sink = Sink::open(place, SystemClock.now_ms()).map_err(advised)?;
        stage::stage(&self.dir, &sink, wanted)
    }

    /// Puts what is finished there; answers how many files it put now, `None` where it stays here.
    pub(super) fn put(&self, client: &Client) -> anyhow::Result<Option<u64>> {
        let Some(place) = &self.place else { return Ok(None) };
        let days = days_in_force(client)?;
        let place = place.locked_by(LockTerms { days, held: false });
        let put = self.put_to(&place).map_err(advised)?;
        stage::end(&self.dir)?;
        Ok(Some(put))
    }

    fn put_to(&self, place: &Place) -> anyhow::Result<u64> {
        let sink = Sink::open(place, SystemClock.now_ms())?;
        let unusable = |fault: FinishedFault| stage::unusable(&self.dir, &fault);
        let made = FinishedExport::open(&self.dir).map_err(unusable)?;
        let made = made.context("the export has no manifest")?;
        let files = made.files().map_err(unusable)?;
        let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let nothing_else = || sink.holds_only(|name| names.contains(name));
        nothing_else()?;
        let (mut put, mut meter) = (0, Meter::new("files put"));
        for (done, FinishedFile { name, sha256 }) in (1..).zip(&files) {
            if name == MANIFEST_FILE {
                // What came meanwhile: without its manifest nothing there is called an export.
                nothing_else()?;
            }
            put += u64::from(sink.put(&self.dir.join(name), name, sha256.as_deref())?);
            meter.show(done, files.len() as u64);
        }
        Ok(put)
    }
}

/// Days for which the policies in force keep anything; the server is asked, who records it.
fn days_in_force(client: &Client) -> anyhow::Result<u32> {
    let policy = client.call("GET", "/policies", None)?;
    let Some(text) = policy["document"].as_str() else { return Ok(0) };
    let document = read_document(text)
        .map_err(|_| Failure::new("the policy in force cannot be read", super::NEWER))?;
    Ok(longest_days(&document))
}
