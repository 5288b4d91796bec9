//! The events of an RSMF manifest.
//!
//! Owns the mapping: an edit is a message of its own and stands in `edits` of what it replaced; a
//! deletion sets `deleted` and keeps the body while its keys live; joins and leaves are events of
//! those types, of whoever comes or goes; a thread's root is the `parent` where it is in the same
//! file; receipts are events of their own and `read_receipts`. What the format has no member for is
//! in `custom`. Edits and reactions without effect are named there, and never shown as live.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::People;
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    format::{
        FormError, Source,
        later::Later,
        said::said,
        slices::{Slice, member_of},
    },
    item::{Item, What},
};

/// The longest reaction that the format takes, in characters.
const REACTION_MAX: usize = 30;
/// Of a longer one, characters that are kept; an ellipsis and eight digits follow, which tell it
/// from others with the same beginning.
const REACTION_KEPT: usize = REACTION_MAX - 9;
/// In the place of a reaction without any character, which the format does not take.
const REACTION_EMPTY: &str = "(empty)";

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
    let mut events = Vec::with_capacity(slice.items.len());
    for item in &slice.items {
        let mut out = match &item.what {
            What::Event(event) => Writer { source, people }.event(item, event, &ids)?,
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

/// Names and values of what the format has no member for; it takes no empty value.
struct Custom(Vec<Value>);

impl Custom {
    fn of(item: &Item) -> Self {
        let mut custom = Self(Vec::new());
        custom.put("log_position", &item.position.to_string());
        custom.put("entry_digest", &hex::encode(item.digest));
        custom
    }

    fn put(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push(json!({ "name": name, "value": value }));
        }
    }

    fn put_some(&mut self, name: &str, value: Option<&str>) {
        self.put(name, value.unwrap_or_default());
    }
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
    out.insert("body".to_owned(), body.into());
    out.insert("deleted".to_owned(), matches!(what, What::Destroyed { .. }).into());
    out.insert("custom".to_owned(), custom.0.into());
    out
}

struct Writer<'s, 'i, 'p> {
    source: &'s mut Source<'i>,
    people: &'s mut People<'p>,
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
        self.describe(item, event, &mut custom)?;
        put("custom", custom.0.into());
        Ok(out)
    }

    /// What the format has no member for.
    fn describe(
        &mut self,
        item: &Item,
        event: &Event,
        custom: &mut Custom,
    ) -> Result<(), FormError> {
        custom.put("kind", "event");
        custom.put("event_id", &event.id);
        custom.put("event_type", event.event_type());
        custom.put("sender", event.sender());
        let index = self.source.index;
        let name = index.display_name(&event.room, event.sender(), item.position);
        custom.put_some("sender_name", name);
        custom.put_some("state_key", event.state_key());
        custom.put("sender_time", &event.claimed_at().map_or_else(String::new, iso));
        custom.put("content_destroyed", &event.content_destroyed.to_string());
        custom.put_some("verdict", event.verdict);
        match event.relation() {
            Some(Relation::Replaces(target)) => custom.put("related_event", target),
            Some(Relation::Annotates(target, key)) => {
                custom.put("related_event", target);
                custom.put("reaction", key);
            }
            Some(Relation::Thread(root)) => custom.put("thread", root),
            None => custom.put_some("related_event", event.redacts()),
        }
        custom.put_some("replies_to", event.replies_to());
        if let Some((deleted_at, by)) = self.source.redaction(item.position)? {
            custom.put("deleted_by", by.sender());
            custom.put("deleted_at", &iso(deleted_at));
            custom.put("deleted_by_event", &by.id);
            custom.put_some("deleted_reason", by.content_text("reason"));
        }
        let by = index.redacted_by(item.position);
        custom.put("deleted_by_position", &by.map_or_else(String::new, |by| by.to_string()));
        Ok(())
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

    fn edits(&mut self, event: &Event, custom: &mut Custom) -> Result<Vec<Value>, FormError> {
        let mut previous = said(event).whole();
        let mut edits = Vec::new();
        for edit in self.source.edits(event)? {
            if let Some(why) = without_effect(&edit) {
                custom.put("edit_without_effect", &why);
                continue;
            }
            let new = said(&edit.event).whole();
            let before = std::mem::replace(&mut previous, new.clone());
            edits.push(json!({
                "participant": self.people.id(edit.event.sender(), edit.position),
                "timestamp": iso(edit.recorded_at), "previous": before, "new": new,
            }));
        }
        Ok(edits)
    }

    /// Live ones by their keys, each person once.
    fn reactions(&mut self, event: &Event, custom: &mut Custom) -> Result<Vec<Value>, FormError> {
        let (mut by_key, mut keys) = (Vec::<(String, Vec<String>)>::new(), HashMap::new());
        let mut counted = HashSet::new();
        for reaction in self.source.reactions(event)? {
            if let Some(why) = without_effect(&reaction) {
                custom.put("reaction_without_effect", &why);
                continue;
            }
            let Some(Relation::Annotates(_, key)) = reaction.event.relation() else { continue };
            let sender = reaction.event.sender();
            if counted.insert((key.to_owned(), sender.to_owned())) {
                let at = *keys.entry(key.to_owned()).or_insert(by_key.len());
                if at == by_key.len() {
                    by_key.push((value_of(key), Vec::new()));
                }
                by_key[at].1.push(self.people.id(sender, reaction.position));
            }
        }
        let json = |(value, people): (String, Vec<String>)| json!({ "value": value, "count": people.len(), "participants": people });
        Ok(by_key.into_iter().map(json).collect())
    }

    fn receipts(&mut self, event: &Event) -> Result<Vec<Value>, FormError> {
        let readers = self.source.readers(&event.id)?;
        let receipts = readers.into_iter().map(|(user, position, at)| {
            let participant = self.people.id(&user, position);
            json!({ "participant": participant, "timestamp": iso(at), "action": "read" })
        });
        Ok(receipts.collect())
    }
}

fn without_effect(later: &Later) -> Option<String> {
    let fault = later.fault?;
    Some(format!("{} ({})", later.event.id, fault.name()))
}

/// A reaction within the format's bounds; different ones stay different.
fn value_of(key: &str) -> String {
    if key.is_empty() {
        return REACTION_EMPTY.to_owned();
    }
    if key.chars().count() <= REACTION_MAX {
        return key.to_owned();
    }
    let kept: String = key.chars().take(REACTION_KEPT).collect();
    let digest = hex::encode(&Sha256::digest(key)[..4]);
    format!("{kept}…{digest}")
}

fn kind(event: &Event) -> &'static str {
    match (event.event_type(), event.content_text("membership")) {
        ("m.room.message" | "m.sticker" | "m.room.encrypted", _) => "message",
        ("m.room.member", Some("join")) => "join",
        ("m.room.member", Some("leave" | "ban")) => "leave",
        _ => "unknown",
    }
}
