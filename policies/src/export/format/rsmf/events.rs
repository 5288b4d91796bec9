//! The events of an RSMF manifest.
//!
//! Owns the mapping: an edit is a message of its own and stands in `edits` of what it replaced; a
//! deletion sets `deleted` and keeps the body while its keys live; joins and leaves are events of
//! those types, of whoever comes or goes; a thread's root is the `parent` where it is in the same
//! file; receipts are events of their own and `read_receipts`. What the format has no member for is
//! in `custom`. Edits and reactions without effect are named there, and never shown as live.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{custom::Custom, people::People};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    format::{
        FormError, Source,
        later::EditBudget,
        safe::guarded_lines,
        said::said,
        slices::{Slice, member_of},
    },
    item::{Item, What},
};

/// All of a slice.
pub(super) fn events(
    source: &mut Source<'_>,
    slice: &Slice,
    people: &mut People<'_>,
) -> Result<Vec<Value>, FormError> {
    let ids = slice.items.iter().filter_map(|item| match &item.what {
        What::Event(event) => Some(event.id.as_str()),
        _ => None,
    });
    let ids: HashSet<&str> = ids.collect();
    let (mut events, mut budget) = (Vec::with_capacity(slice.items.len()), EditBudget::of_slice());
    for item in &slice.items {
        let mut out = match &item.what {
            What::Event(event) => {
                Writer { source, people, budget: &mut budget }.event(item, event, &ids)?
            }
            what => {
                let deleter = source.redaction_of(what)?;
                other(item, what, deleter.as_deref(), people)
            }
        };
        out.insert("conversation".to_owned(), slice.room_id().into());
        out.insert("timestamp".to_owned(), iso(item.recorded_at).into());
        events.push(Value::Object(out));
    }
    Ok(events)
}

/// An item that is no event of a room.
fn other(
    item: &Item,
    what: &What,
    deleter: Option<&str>,
    people: &mut People<'_>,
) -> Map<String, Value> {
    let mut custom = Custom::of(item);
    let mut out = Map::new();
    let (kind, who, body) = match what {
        What::RedactionApplied { target, by, .. } => {
            custom.put("deleted_position", &target.to_string());
            custom.put("deleted_by_position", &by.to_string());
            ("redaction_applied", deleter, format!("deletion of item {target} takes effect"))
        }
        What::Receipt { user, event_id, thread, private, .. } => {
            custom.put("related_event", event_id);
            custom.put_some("receipt_thread", thread.as_deref());
            custom.put("receipt_private", &private.to_string());
            ("receipt", Some(user.as_str()), format!("has read up to {event_id}"))
        }
        What::Profile { user, field, value } => {
            ("profile", Some(user.as_str()), format!("sets {field} in the profile to {value}"))
        }
        What::Destroyed { of } => ("destroyed", None, format!("an entry of {of} is destroyed")),
        // Written by the other function.
        What::Event(_) => ("event", None, String::new()),
    };
    custom.put("kind", kind);
    out.insert("type".to_owned(), "unknown".into());
    out.insert("id".to_owned(), item.position.to_string().into());
    if let Some(user) = who {
        out.insert("participant".to_owned(), people.id(user, item.position).into());
    }
    out.insert("body".to_owned(), guarded_lines(&body).into());
    out.insert("deleted".to_owned(), matches!(what, What::Destroyed { .. }).into());
    out.insert("custom".to_owned(), custom.listed.into());
    out
}

/// What an event is written with.
pub(super) struct Writer<'s, 'i, 'p> {
    pub(super) source: &'s mut Source<'i>,
    pub(super) people: &'s mut People<'p>,
    pub(super) budget: &'s mut EditBudget,
}

impl Writer<'_, '_, '_> {
    fn event(
        &mut self,
        item: &Item,
        event: &Event,
        ids: &HashSet<&str>,
    ) -> Result<Map<String, Value>, FormError> {
        let (mut out, mut custom) = (Map::new(), Custom::of(item));
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        let kind = kind(event);
        let member = member_of(event);
        let who = if kind == "unknown" || member.is_empty() { event.sender() } else { &member };
        put("type", kind.into());
        put("id", event.id.as_str().into());
        if !who.is_empty() {
            put("participant", self.people.id(who, item.position).into());
        }
        put("body", said(event).whole().into());
        let thread = match event.relation() {
            Some(Relation::Thread(root)) => Some(root),
            _ => None,
        };
        // Nothing is the parent that is not there.
        let parent = thread.or(event.replies_to()).filter(|parent| ids.contains(parent));
        if let Some(parent) = parent {
            put("parent", parent.into());
        }
        put("deleted", self.source.index.redacted_by(item.position).is_some().into());
        for (name, list) in [
            ("attachments", self.attachments(item, &mut custom)),
            ("edits", self.edits(event, &mut custom)?),
            ("reactions", self.reactions(event, &mut custom)?),
            ("read_receipts", self.receipts(event)?),
        ] {
            if !list.is_empty() {
                put(name, list.into());
            }
        }
        custom.describe(self.source, item, event)?;
        put("custom", custom.listed.into());
        Ok(out)
    }

    /// Media that are there; of the others `custom` says that they are not.
    fn attachments(&self, item: &Item, custom: &mut Custom) -> Vec<Value> {
        let mut there = Vec::new();
        for file in self.source.media_of(item) {
            match file.bytes {
                Some(bytes) => {
                    let display = file.safe_name();
                    there.push(json!({ "id": file.id, "display": display, "size": bytes }));
                }
                None => custom.put("missing_media", &file.id),
            }
            custom.put_some("media_name", file.name.as_deref());
        }
        there
    }
}

fn kind(event: &Event) -> &'static str {
    match (event.event_type(), event.content_text("membership")) {
        ("m.room.message" | "m.sticker" | "m.room.encrypted", _) => "message",
        ("m.room.member", Some("join")) => "join",
        ("m.room.member", Some("leave" | "ban")) => "leave",
        _ => "unknown",
    }
}
