//! Relativity Short Message Format 2.0.0: a mail with `rsmf.zip` for each room and day.
//!
//! Owns the mapping: an edit is a message of its own and stands in `edits` of what it replaced; a
//! deletion sets `deleted` and keeps the body while its keys live; joins and leaves are events of
//! those types; a thread's root is the `parent`; receipts are `read_receipts`. The zip file is
//! stored, not compressed, so that its bytes do not depend on a compressor's version.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{
    FormError, MediaFile, Source,
    eml::{said, transcript},
    mail::{Base64Lines, header, text_part},
    slices::{Slice, each_slice, member_of},
};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

const VERSION: &str = "2.0.0";
/// The longest reaction that the format takes, in characters.
const REACTION_MAX: usize = 30;
/// Participants in a mail's header; the manifest names everybody.
const NAMED_MAX: usize = 500;

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    each_slice(source, |source, slice| {
        let (text, media) = transcript(source, slice)?;
        let events = events(source, slice)?;
        let files: Vec<_> = media.into_iter().filter(|file| file.bytes.is_some()).collect();
        let manifest = manifest(source, slice, &events);
        out.begin(&format!("rsmf/{}/{}.rsmf", slice.folder, slice.name))?;
        let boundary = format!("chancery-{}-{}", slice.first(), slice.last());
        headers(slice, (events.len(), files.len()), &boundary, out)?;
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
    (events, attachments): (usize, usize),
    boundary: &str,
    out: &mut dyn Output,
) -> io::Result<()> {
    let (begin, end) = slice.times();
    let mut people = slice.people();
    people.truncate(NAMED_MAX);
    header(out, "X-RSMF-Version", VERSION)?;
    header(out, "X-RSMF-Generator", "Chancery")?;
    header(out, "X-RSMF-Application", "Matrix")?;
    header(out, "X-RSMF-BeginDate", &iso(begin))?;
    header(out, "X-RSMF-EndDate", &iso(end))?;
    header(out, "X-RSMF-EventCount", &events.to_string())?;
    header(out, "X-RSMF-AttachmentCount", &attachments.to_string())?;
    header(out, "X-RSMF-EventCollectionID", &slice.room)?;
    header(out, "X-RSMF-Participants", &people.join(","))?;
    header(out, "Subject", &format!("{}, {}", slice.room, slice.name))?;
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

fn manifest(source: &Source<'_>, slice: &Slice, events: &[Value]) -> Value {
    let people = everybody(slice, events);
    let participants: Vec<Value> = people
        .iter()
        .map(|user| {
            let name = source.index.display_name(&slice.room, user, slice.last()).unwrap_or(user);
            json!({ "id": user, "display": name, "account_id": user })
        })
        .collect();
    let name = source.index.room_name(&slice.room, slice.last()).unwrap_or(&slice.room);
    json!({
        "version": VERSION,
        "eventcollectionid": slice.room,
        "participants": participants,
        "conversations": [{
            "id": slice.room, "platform": "matrix", "type": "channel", "display": name,
            "participants": people,
        }],
        "events": events,
    })
}

/// Everybody in the slice, and whoever edited, reacted or read later.
fn everybody(slice: &Slice, events: &[Value]) -> Vec<String> {
    fn named(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| named(item, found)),
            Value::Object(members) => {
                for (name, member) in members {
                    match (name.as_str(), member) {
                        ("participant", Value::String(user)) => found.push(user.clone()),
                        ("participants", Value::Array(users)) => {
                            found.extend(users.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        ("edits" | "reactions" | "read_receipts", inner) => named(inner, found),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut people = slice.people();
    for event in events {
        named(event, &mut people);
    }
    people.retain(|user| !user.is_empty());
    people.sort_unstable();
    people.dedup();
    people
}

fn events(source: &mut Source<'_>, slice: &Slice) -> Result<Vec<Value>, FormError> {
    let mut events = Vec::new();
    for item in &slice.items {
        match &item.what {
            What::Event(event) => events.push(of_event(source, slice, item, event)?),
            // Receipts stand with what was read, marks of redaction with what was deleted.
            What::Receipt { .. } | What::RedactionApplied { .. } | What::Profile { .. } => {}
            What::Destroyed { .. } => events.push(json!({
                "type": "unknown", "id": item.position.to_string(), "conversation": slice.room,
                "timestamp": iso(item.recorded_at), "deleted": true,
                "custom": custom(item, None),
            })),
        }
    }
    Ok(events)
}

fn of_event(
    source: &mut Source<'_>,
    slice: &Slice,
    item: &Item,
    event: &Event,
) -> Result<Value, FormError> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    let kind = kind(event);
    let who = if kind == "message" { event.sender().to_owned() } else { member_of(event) };
    let who = if who.is_empty() { event.sender().to_owned() } else { who };
    put("type", kind.into());
    put("id", event.id.as_str().into());
    put("participant", who.into());
    put("conversation", slice.room.as_str().into());
    put("timestamp", iso(item.recorded_at).into());
    put("body", said(event).into());
    if let Some(Relation::Thread(root)) = event.relation() {
        put("parent", root.into());
    } else if let Some(target) = event.replies_to() {
        put("parent", target.into());
    }
    let redacted = source.index.redacted_by(item.position).is_some();
    put("deleted", redacted.into());
    let attachments: Vec<Value> = source
        .media(event)
        .into_iter()
        .filter_map(|file| {
            let display = file.name.clone().unwrap_or_else(|| file.id.clone());
            Some(json!({ "id": file.id, "display": display, "size": file.bytes? }))
        })
        .collect();
    if !attachments.is_empty() {
        put("attachments", attachments.into());
    }
    let edits = edits(source, event)?;
    if !edits.is_empty() {
        put("edits", edits.into());
    }
    let reactions = reactions(source, event)?;
    if !reactions.is_empty() {
        put("reactions", reactions.into());
    }
    let readers = source.readers(&event.id)?;
    if !readers.is_empty() {
        let receipt = |(user, at): (String, u64)| json!({ "participant": user, "timestamp": iso(at), "action": "read" });
        put("read_receipts", readers.into_iter().map(receipt).collect());
    }
    put("custom", custom(item, Some(event)));
    Ok(Value::Object(out))
}

fn kind(event: &Event) -> &'static str {
    match (event.event_type(), event.content_text("membership")) {
        ("m.room.message" | "m.sticker" | "m.room.encrypted", _) => "message",
        ("m.room.member", Some("join")) => "join",
        ("m.room.member", Some("leave" | "ban")) => "leave",
        _ => "unknown",
    }
}

fn edits(source: &mut Source<'_>, event: &Event) -> Result<Vec<Value>, FormError> {
    let mut previous = event.body().unwrap_or_default().to_owned();
    let edits = source.edits(&event.id)?;
    Ok(edits
        .into_iter()
        .map(|(edited_at, edit)| {
            let new = edit.body().unwrap_or_default().to_owned();
            let before = std::mem::replace(&mut previous, new.clone());
            json!({
                "participant": edit.sender(), "timestamp": iso(edited_at),
                "previous": before, "new": new,
            })
        })
        .collect())
}

fn reactions(source: &mut Source<'_>, event: &Event) -> Result<Vec<Value>, FormError> {
    let mut by_key: Vec<(String, Vec<String>)> = Vec::new();
    for (_, reaction) in source.reactions(&event.id)? {
        let Some(Relation::Annotates(_, key)) = reaction.relation() else { continue };
        let key: String = key.chars().take(REACTION_MAX).collect();
        let by = reaction.sender().to_owned();
        match by_key.iter_mut().find(|(known, _)| *known == key) {
            Some((_, people)) => people.push(by),
            None => by_key.push((key, vec![by])),
        }
    }
    let json = |(key, people): (String, Vec<String>)| json!({ "value": key, "count": people.len(), "participants": people });
    Ok(by_key.into_iter().map(json).collect())
}

/// What the format has no member for.
fn custom(item: &Item, event: Option<&Event>) -> Value {
    let mut custom = vec![
        json!({ "name": "log_position", "value": item.position.to_string() }),
        json!({ "name": "entry_digest", "value": hex::encode(item.digest) }),
    ];
    if let Some(event) = event {
        let claimed = event.claimed_at();
        custom.push(json!({ "name": "event_type", "value": event.event_type() }));
        custom
            .push(json!({ "name": "sender_time", "value": claimed.map_or_else(String::new, iso) }));
        custom.push(json!({
            "name": "content_destroyed", "value": event.content_destroyed.to_string()
        }));
        if let Some(Relation::Replaces(target) | Relation::Annotates(target, _)) = event.relation()
        {
            custom.push(json!({ "name": "related_event", "value": target }));
        }
    }
    custom.into()
}
