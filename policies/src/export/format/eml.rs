//! Mails with transcripts: one for each room and day.
//!
//! Owns the mail: a text for search, and media as attachments. It is made by no person and to be
//! answered by none, which its headers say. Matrix ids are in display names; addresses end in
//! `.invalid` (RFC 2606), so that nothing is ever sent to anybody.

use std::fmt::Write as _;

use super::{
    FormError, MediaFile, Source,
    mail::{Base64Lines, header, parameter, text_part},
    slices::{Slice, each_slice},
};
use crate::export::{
    calendar::{iso, mail_date},
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

/// Recipients in one mail; the transcript names everybody.
const RECIPIENTS_MAX: usize = 500;

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    each_slice(source, |source, slice| {
        out.begin(&format!("eml/{}/{}.eml", slice.folder, slice.name))?;
        let (text, media) = transcript(source, slice)?;
        let boundary = format!("chancery-{}-{}", slice.first(), slice.last());
        headers(source, slice, &boundary, out)?;
        text_part(out, &boundary, "text/plain", &text)?;
        for file in media.iter().filter(|file| file.bytes.is_some()) {
            attachment(source, &boundary, file, out)?;
        }
        write!(out, "--{boundary}--\r\n")?;
        Ok(out.end()?)
    })
}

fn headers(
    source: &Source<'_>,
    slice: &Slice,
    boundary: &str,
    out: &mut dyn Output,
) -> std::io::Result<()> {
    let mut people = slice.people();
    people.truncate(RECIPIENTS_MAX);
    let room = source.index.room_name(&slice.room, slice.last()).unwrap_or(&slice.room);
    let server = source.index.server.split(':').next().unwrap_or_default();
    let mailbox = |number: usize| format!("participant-{}@chancery.invalid", number + 1);
    header(out, "From", &mailbox(0))?;
    for (number, name) in people.iter().enumerate() {
        header(out, "X-Chancery-Participant", &format!("{} {name}", mailbox(number)))?;
    }
    let to: Vec<String> = (0..people.len().max(1)).map(mailbox).collect();
    write!(out, "To: {}\r\n", to.join(",\r\n "))?;
    header(out, "Subject", &format!("{room}, {}", slice.name))?;
    header(out, "Date", &mail_date(slice.times().1))?;
    let id = format!("<{}.{}@{server}.chancery.invalid>", slice.first(), slice.last());
    header(out, "Message-ID", &id)?;
    header(out, "Auto-Submitted", "auto-generated")?;
    header(out, "Precedence", "bulk")?;
    header(out, "X-Chancery-Room-ID", &slice.room)?;
    header(out, "X-Chancery-Positions", &format!("{}-{}", slice.first(), slice.last()))?;
    header(out, "MIME-Version", "1.0")?;
    write!(out, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n")
}

fn attachment(
    source: &Source<'_>,
    boundary: &str,
    file: &MediaFile,
    out: &mut dyn Output,
) -> std::io::Result<()> {
    let name = parameter("filename", file.name.as_deref().unwrap_or(&file.id));
    write!(out, "--{boundary}\r\nContent-Type: application/octet-stream\r\n")?;
    write!(out, "Content-ID: <{}@media.chancery.invalid>\r\n", file.id)?;
    write!(out, "Content-Disposition: attachment;\r\n {name}\r\n")?;
    write!(out, "Content-Transfer-Encoding: base64\r\n\r\n")?;
    let mut lines = Base64Lines::new(out);
    source.copy_media(file, &mut lines)?;
    lines.finish()
}

/// The transcript as text, and the media that it names, each once.
pub(super) fn transcript(
    source: &mut Source<'_>,
    slice: &Slice,
) -> Result<(String, Vec<MediaFile>), FormError> {
    let mut text = format!("Room {}\r\n\r\n", slice.room);
    let mut media: Vec<MediaFile> = Vec::new();
    for item in &slice.items {
        line(source, slice, item, &mut text)?;
        if let What::Event(event) = &item.what {
            for file in source.media(event) {
                let there = if file.bytes.is_some() { "attached" } else { "not there" };
                let name = file.name.as_deref().unwrap_or(&file.id);
                let _ = write!(text, "    [file {name}, {}, {there}]\r\n", file.id);
                if !media.contains(&file) {
                    media.push(file);
                }
            }
        }
    }
    Ok((text, media))
}

fn line(
    source: &mut Source<'_>,
    slice: &Slice,
    item: &Item,
    text: &mut String,
) -> Result<(), FormError> {
    let _ = write!(text, "[{}] ", iso(item.recorded_at));
    match &item.what {
        What::Event(event) => {
            let name = source.index.display_name(&slice.room, event.sender(), item.position);
            if let Some(name) = name {
                let _ = write!(text, "{name} ");
            }
            let _ = write!(text, "<{}>{} ", event.sender(), relation(event));
            text.push_str(&said(event));
            text.push_str("\r\n");
            for (edited_at, edit) in source.edits(&event.id)? {
                let new = edit.body().unwrap_or("(content destroyed)");
                let when = iso(edited_at);
                let _ = write!(text, "    [edited {when} by {}] {new}\r\n", edit.sender());
            }
            if let Some((deleted_at, by)) = source.redaction(item.position)? {
                let when = iso(deleted_at);
                let _ = write!(text, "    [deleted {when} by {}]\r\n", by.sender());
            }
        }
        What::RedactionApplied { target, .. } => {
            let _ = write!(text, "deletion of item {target} takes effect\r\n");
        }
        What::Receipt { user, event_id, .. } => {
            let _ = write!(text, "<{user}> has read up to {event_id}\r\n");
        }
        What::Profile { .. } | What::Destroyed { .. } => text.push_str("(destroyed)\r\n"),
    }
    Ok(())
}

fn relation(event: &Event) -> String {
    match event.relation() {
        Some(Relation::Replaces(target)) => format!(" edits {target}:"),
        Some(Relation::Annotates(target, key)) => format!(" reacts {key} to {target}"),
        Some(Relation::Thread(root)) => format!(" in thread {root}:"),
        None => event.replies_to().map(|to| format!(" replies to {to}:")).unwrap_or_default(),
    }
}

/// What an event says, in one text.
pub(super) fn said(event: &Event) -> String {
    if event.content_destroyed {
        return "(content destroyed)".to_owned();
    }
    if let (None, Some(body)) = (event.state_key(), event.body()) {
        return body.to_owned();
    }
    let content = event.content_json();
    format!("{} {} {content}", event.event_type(), event.state_key().unwrap_or_default())
}
