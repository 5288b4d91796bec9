//! Fetching what an export is made of: pages of evidence, and media.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
};

use policies::export::{DirectoryError, ExportDirectory, NamedMedium};

use super::{Client, Meter, told};

/// How often one medium is asked for, at most, where each answer breaks off further on.
const ASKED_MAX: u32 = 8;

/// Fetches pages until the whole stretch is there.
pub(super) fn entries(
    client: &Client,
    export: &mut ExportDirectory,
    limit: u32,
    meter: &mut Meter,
) -> anyhow::Result<()> {
    let progress = export.progress();
    let (case, number) = (progress.terms.case, progress.export);
    let (first, end) = (progress.terms.first, progress.terms.end);
    let ask = |next, page| {
        let piece = format!("from={next}&page={page}&limit={limit}");
        let path = format!("/cases/{case}/exports/{number}/entries?{piece}");
        client.bytes("GET", &path, None).map_err(Stop::Asking)
    };
    let filled = export.fill(ask, |next| meter.show(next - first, end - first));
    filled.map_err(|stop| match stop {
        Stop::Asking(error) => error,
        Stop::Writing(error) => told(error),
    })
}

/// Why the fetching of pages ended.
enum Stop {
    Asking(anyhow::Error),
    Writing(DirectoryError),
}

impl From<DirectoryError> for Stop {
    fn from(error: DirectoryError) -> Self {
        Self::Writing(error)
    }
}

/// Fetches the media that the record names; answers those that are missing.
pub(super) fn media(
    client: &Client,
    export: &ExportDirectory,
    server: &str,
    meter: &mut Meter,
) -> anyhow::Result<Vec<String>> {
    let named = export.media(server).map_err(told)?;
    let (mut missing, all) = (Vec::new(), named.len() as u64);
    for (done, medium) in (1..).zip(named) {
        if !fetched(client, export, &medium)? {
            missing.push(medium.id);
        }
        meter.show(done, all);
    }
    Ok(missing)
}

/// Fetches what is left of a medium; false where the server does not have it whole. An answer that
/// breaks off is asked for again from where it did, as long as that brings bytes: of a medium that
/// is damaged there, the server then says that it is not there.
fn fetched(
    client: &Client,
    export: &ExportDirectory,
    medium: &NamedMedium,
) -> anyhow::Result<bool> {
    let NamedMedium { id, position, .. } = medium;
    let disk = |error: io::Error| told(DirectoryError::Io(error));
    let Some((part, mut begun)) = export.medium_begun(medium).map_err(told)? else {
        return Ok(true);
    };
    let progress = export.progress();
    let (case, number) = (progress.terms.case, progress.export);
    let mut file = OpenOptions::new().create(true).append(true).open(&part).map_err(disk)?;
    let mut left = ASKED_MAX;
    let found = loop {
        let path =
            format!("/cases/{case}/exports/{number}/media/{id}?position={position}&offset={begun}");
        let found = client.stream(&path, |piece| file.write_all(piece).map_err(disk));
        let there = file.metadata().map_err(disk)?.len();
        left -= 1;
        match found {
            Ok(found) => break found,
            Err(_) if left > 0 && there > begun => begun = there,
            Err(error) => return Err(error),
        }
    };
    drop(file);
    if !found {
        std::fs::remove_file(&part).map_err(disk)?;
        return Ok(false);
    }
    export.medium_done(medium).map_err(told)?;
    Ok(true)
}
