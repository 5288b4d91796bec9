//! JSON lines: everything, one item a line, in order of the log.
//!
//! Owns the schema (`docs/compliance/export.md`, version 1). Members may be added, never change
//! their meaning.

use serde_json::{Map, Value, json};

use super::{FormError, Source};
use crate::export::{
    calendar::iso,
    item::{Event, Item, Relation, What},
    output::Output,
};

/// The file.
pub(super) const FILE: &str = "export.jsonl";

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    out.begin(FILE)?;
    let mut line = Vec::new();
    source.each(|source, item| {
        line.clear();
        serde_json::to_writer(&mut line, &object(source, &item)?).map_err(std::io::Error::from)?;
        line.push(b'\n');
        Ok(out.write_all(&line)?)
    })?;
    Ok(out.end()?)
}

fn object(source: &mut Source<'_>, item: &Item) -> Result<Value, FormError> {
    let mut line = Map::new();
    line.insert("position".to_owned(), item.position.into());
    line.insert("digest".to_owned(), hex::encode(item.digest).into());
    line.insert("recorded_at".to_owned(), iso(item.recorded_at).into());
    let more = match &item.what {
        What::Event(event) => of_event(source, item, event)?,
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
    if let Value::Object(more) = more {
        line.extend(more);
    }
    Ok(Value::Object(line))
}

fn of_event(source: &mut Source<'_>, item: &Item, event: &Event) -> Result<Value, FormError> {
    let at = item.position;
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| {
        line.insert(name.to_owned(), value);
    };
    put("kind", "event".into());
    put("room_name", source.index.room_name(&event.room, at).into());
    put("sender_name", source.index.display_name(&event.room, event.sender(), at).into());
    put("event", Value::Object(event.json.clone()));
    put("content_destroyed", event.content_destroyed.into());
    put("encrypted", (event.event_type() == "m.room.encrypted").into());
    put("verdict", event.verdict.into());
    match event.relation() {
        Some(Relation::Replaces(target)) => put("replaces", target.into()),
        Some(Relation::Annotates(target, key)) => {
            put("reacts_to", target.into());
            put("reaction", key.into());
        }
        Some(Relation::Thread(root)) => put("thread", root.into()),
        None => {}
    }
    if let Some(target) = event.replies_to() {
        put("replies_to", target.into());
    }
    let edits = source.edits(&event.id)?;
    if !edits.is_empty() {
        put("edited_by", edits.iter().map(|(_, edit)| edit.id.as_str()).collect());
    }
    let reactions = source.reactions(&event.id)?;
    if !reactions.is_empty() {
        put("reactions", reactions.iter().map(|(_, event)| event.id.as_str()).collect());
    }
    if let Some(by) = source.index.redacted_by(at) {
        put("redacted_by_position", by.into());
        if let Some((item, redaction)) = source.redaction(at)? {
            put("redacted_by", redaction.id.into());
            put("redacted_at", iso(item.recorded_at).into());
        }
    }
    let media: Vec<Value> = source
        .media(event)
        .into_iter()
        .map(|file| {
            json!({
                "media_id": file.id, "file": file.bytes.map(|_| file.path), "bytes": file.bytes,
                "sha256": file.sha256, "content_type": file.content_type, "name": file.name,
            })
        })
        .collect();
    if !media.is_empty() {
        put("media", media.into());
    }
    Ok(Value::Object(line))
}
