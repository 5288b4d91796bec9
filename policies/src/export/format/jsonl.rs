//! JSON lines: everything, one item a line, in order of the log.
//!
//! Owns the schema (`docs/compliance/export.md`, version 3). Within a version, members may be
//! added, never change their meaning.

use std::io;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    FormError, MediaFile, Source,
    later::{Later, NoEffect},
};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

/// The file.
pub(super) const FILE: &str = "export.jsonl";

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    out.begin(FILE)?;
    let mut line = Vec::new();
    source.each(|source, item| {
        line.clear();
        match &item.what {
            What::Event(event) => write_event(source, &item, event, &mut line)?,
            what => {
                let object = object(&item, what);
                serde_json::to_writer(&mut line, &object).map_err(io::Error::from)?;
            }
        }
        line.push(b'\n');
        Ok(out.write_all(&line)?)
    })?;
    Ok(out.end()?)
}

fn object(item: &Item, what: &What) -> Value {
    let mut line = match what {
        // Written by the other function.
        What::Event(_) => Value::default(),
        What::RedactionApplied { room, target, by } => json!({
            "kind": "redaction_applied", "room_id": room, "target": target, "by": by,
        }),
        What::Profile { user, field, value } => json!({
            "kind": "profile", "user_id": user, "field": field, "value": value,
        }),
        What::Receipt { user, room, event_id, thread, private, at } => json!({
            "kind": "receipt", "user_id": user, "room_id": room, "event_id": event_id,
            "thread": thread, "private": private, "at": iso(*at),
        }),
        What::Destroyed { of } => json!({ "kind": "destroyed", "of": of }),
    };
    line["position"] = item.position.into();
    line["digest"] = hex::encode(item.digest).into();
    line["recorded_at"] = iso(item.recorded_at).into();
    line
}

/// Writes an event, its members in order of their names as in every line; its own JSON goes as
/// it is.
fn write_event(
    source: &mut Source<'_>,
    item: &Item,
    event: &Event,
    out: &mut Vec<u8>,
) -> Result<(), FormError> {
    let at = item.position;
    let (mut edits, mut reactions) = (Vec::new(), Vec::new());
    let id = |later: Later| (later.event.id.clone(), later.fault);
    source.each_edit(event, |_, edit| {
        edits.push(id(edit));
        Ok(())
    })?;
    source.each_reaction(event, |_, reaction| {
        reactions.push(id(reaction));
        Ok(())
    })?;
    let redaction = source.redaction(at)?;
    let media = source.media(event);
    let relation = event.relation();
    let mut line = Line::begin(out);
    line.put("content_destroyed", &event.content_destroyed)?;
    line.put("digest", &hex::encode(item.digest))?;
    line.put_ids("edited_by", &edits)?;
    line.put_without_effect("edits_without_effect", &edits)?;
    line.put("encrypted", &(event.event_type() == "m.room.encrypted"))?;
    line.put_raw("event", event.json());
    line.put("kind", "event")?;
    if !media.is_empty() {
        line.put("media", &media.into_iter().map(medium).collect::<Vec<_>>())?;
    }
    line.put("position", &at)?;
    if let Some(Relation::Annotates(_, key)) = relation {
        line.put("reaction", key)?;
    }
    line.put_ids("reactions", &reactions)?;
    line.put_without_effect("reactions_without_effect", &reactions)?;
    if let Some(Relation::Annotates(target, _)) = relation {
        line.put("reacts_to", target)?;
    }
    line.put("recorded_at", &iso(item.recorded_at))?;
    if let Some((redacted_at, redaction)) = &redaction {
        line.put("redacted_at", &iso(*redacted_at))?;
        line.put("redacted_by", &redaction.id)?;
    }
    line.put_some("redacted_by_position", source.index.redacted_by(at))?;
    if let Some((_, redaction)) = &redaction {
        line.put("redacted_by_user", redaction.sender())?;
        line.put_some("redacted_reason", redaction.content_text("reason"))?;
    }
    if let Some(Relation::Replaces(target)) = relation {
        line.put("replaces", target)?;
    }
    line.put_some("replies_to", event.replies_to())?;
    line.put("room_name", &source.index.room_name(&event.room, at))?;
    line.put("sender_name", &source.index.display_name(&event.room, event.sender(), at))?;
    if let Some(Relation::Thread(root)) = relation {
        line.put("thread", root)?;
    }
    line.put("verdict", &event.verdict)?;
    line.end();
    Ok(())
}

fn medium(file: MediaFile) -> Value {
    json!({
        "media_id": file.id, "file": file.bytes.map(|_| file.path), "bytes": file.bytes,
        "sha256": file.sha256, "content_type": file.content_type, "name": file.name,
    })
}

/// What refers to an event, and why it has no effect.
type IdAndFault = (String, Option<NoEffect>);

/// One object on one line.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    next: u8,
}

impl<'a> Line<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, next: b'{' }
    }

    /// A member whose name needs no escapes.
    fn name(&mut self, name: &str) {
        self.out.push(self.next);
        self.next = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
        self.name(name);
        Ok(serde_json::to_writer(&mut *self.out, value)?)
    }

    fn put_some(&mut self, name: &str, value: Option<impl Serialize>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.put(name, &value))
    }

    /// The ids of what has an effect, if there is any.
    fn put_ids(&mut self, name: &str, later: &[IdAndFault]) -> io::Result<()> {
        let live = later.iter().filter(|(_, fault)| fault.is_none());
        let ids: Vec<_> = live.map(|(id, _)| id.as_str()).collect();
        if ids.is_empty() { Ok(()) } else { self.put(name, &ids) }
    }

    /// The ids of what has none, and why.
    fn put_without_effect(&mut self, name: &str, later: &[IdAndFault]) -> io::Result<()> {
        let others = later
            .iter()
            .filter_map(|(id, fault)| Some(json!({ "event_id": id, "why": (*fault)?.name() })));
        let others: Vec<_> = others.collect();
        if others.is_empty() { Ok(()) } else { self.put(name, &others) }
    }

    fn put_raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
    }

    fn end(self) {
        self.out.push(b'}');
    }
}
