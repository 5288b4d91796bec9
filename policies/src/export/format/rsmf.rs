//! Relativity Short Message Format 2.0.0: a mail with `rsmf.zip` for each room and day.
//!
//! Owns the file around the manifest. Every item is an event of its own; what became of it later
//! stands with it too. The zip file is stored, not compressed, so that its bytes do not depend on a
//! compressor's version.

mod became;
mod custom;
mod events;
mod people;

use std::io::{self, Write};

use serde_json::{Value, json};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use self::{events::events, people::People};
use super::{
    FormError, MediaFile, Source,
    mail::{Base64Lines, header, text_part},
    present::{Present, everybody},
    safe::inline,
    slices::{Slice, each_slice},
    transcript::transcript,
};
use crate::export::{calendar::iso, output::Output};

const VERSION: &str = "2.0.0";
/// Participants in a mail's header; the manifest names everybody.
const NAMED_MAX: usize = 500;

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    let rooms = Present::new(source.index);
    each_slice(source, |source, slice| {
        let present = rooms.of(slice);
        let (text, media) = transcript(source, slice, &present)?;
        let named = everybody(slice, &present);
        let mut people = People::new(source.index, slice);
        let present = present.iter().map(|user| people.id(user, slice.first())).collect();
        let events = events(source, slice, &mut people)?;
        let files: Vec<_> = media.into_iter().filter(|file| file.bytes.is_some()).collect();
        let manifest = manifest(source, slice, (people, present), &events);
        out.begin(&format!("rsmf/{}/{}.rsmf", slice.folder, slice.name))?;
        let boundary = format!("chancery-{}-{}", slice.first(), slice.last());
        headers(slice, named, (events.len(), files.len()), &boundary, out)?;
        text_part(out, &boundary, "text/plain", &text)?;
        write!(out, "--{boundary}\r\nContent-Type: application/octet-stream; name=rsmf.zip\r\n")?;
        write!(out, "Content-Disposition: attachment; filename=rsmf.zip\r\n")?;
        write!(out, "Content-Transfer-Encoding: base64\r\n\r\n")?;
        let mut lines = Base64Lines::new(out);
        zip_into(source, &manifest, &files, &mut lines)?;
        lines.finish()?;
        write!(out, "--{boundary}--\r\n")?;
        Ok(out.end()?)
    })
}

fn headers(
    slice: &Slice,
    mut people: Vec<String>,
    (events, attachments): (usize, usize),
    boundary: &str,
    out: &mut dyn Output,
) -> io::Result<()> {
    let (begin, end) = slice.times();
    people.truncate(NAMED_MAX);
    header(out, "X-RSMF-Version", VERSION)?;
    header(out, "X-RSMF-Generator", "Chancery")?;
    header(out, "X-RSMF-Application", "Matrix")?;
    header(out, "X-RSMF-BeginDate", &iso(begin))?;
    header(out, "X-RSMF-EndDate", &iso(end))?;
    header(out, "X-RSMF-EventCount", &events.to_string())?;
    header(out, "X-RSMF-AttachmentCount", &attachments.to_string())?;
    header(out, "X-RSMF-EventCollectionID", slice.room_id())?;
    header(out, "X-RSMF-Participants", &people.join(","))?;
    header(out, "Subject", &format!("{}, {}", slice.room_id(), slice.name))?;
    header(out, "MIME-Version", "1.0")?;
    write!(out, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n")
}

fn zip_into(
    source: &Source<'_>,
    manifest: &Value,
    files: &[MediaFile],
    out: &mut dyn Write,
) -> Result<(), FormError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new_stream(out);
    zip.start_file("rsmf_manifest.json", options).map_err(io::Error::from)?;
    serde_json::to_writer(&mut zip, manifest).map_err(io::Error::from)?;
    for file in files {
        let large = file.bytes.is_some_and(|bytes| bytes >= u64::from(u32::MAX));
        zip.start_file(&file.id, options.large_file(large)).map_err(io::Error::from)?;
        source.copy_media(file, &mut zip)?;
    }
    zip.finish().map_err(io::Error::from)?;
    Ok(())
}

fn manifest(
    source: &Source<'_>,
    slice: &Slice,
    (people, present): (People<'_>, Vec<String>),
    events: &[Value],
) -> Value {
    json!({
        "version": VERSION,
        "eventcollectionid": slice.room_id(),
        "participants": people.listed,
        "conversations": [{
            "id": slice.room_id(), "platform": "matrix", "type": "channel",
            "display": inline(slice.title(source.index)), "participants": present,
        }],
        "events": events,
    })
}
