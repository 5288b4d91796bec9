//! An event of a room, as an export shows it.
//!
//! Owns what forms ask of an event. Its JSON comes from `members.rs`; the content is read as a tree
//! only when somebody asks for something in it.

mod members;

use std::{
    ops::Range,
    sync::{LazyLock, OnceLock},
};

use facts::fact::{PduStored, Verdict};
use memchr::{memchr_iter, memmem::Finder};
use serde_json::{Map, Value};

use self::members::{Members, tree_of};
use super::media::media_ids_of;

/// The member of a content that refers to another event.
pub(crate) const RELATES_TO: &str = "m.relates_to";
/// The member of an edit that holds the new content.
pub(crate) const NEW_CONTENT: &str = "m.new_content";

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) room: String,
    /// The event id.
    pub(crate) id: String,
    pub(crate) content_destroyed: bool,
    pub(crate) verdict: Option<&'static str>,
    /// As clients see it: one line of JSON, members in order of their names.
    json: String,
    content_at: Option<Range<usize>>,
    content: OnceLock<Option<Map<String, Value>>>,
    kind: String,
    sender: String,
    state_key: Option<String>,
    redacts: Option<String>,
    claimed_at: Option<u64>,
}

/// How an event refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation<'a> {
    Replaces(&'a str),
    Annotates(&'a str, &'a str),
    Thread(&'a str),
}

impl Event {
    pub(crate) fn of(room: String, stored: &PduStored, destroyed: bool) -> Self {
        let tree;
        let members = if let Some(members) = Members::joined(stored, destroyed) {
            members
        } else {
            tree = tree_of(stored, destroyed);
            Members::of_tree(&tree)
        };
        let (json, content_at) = members.line(&stored.event_id, &room);
        let verdict = stored.placement.as_ref().map(|placement| match placement.verdict {
            Verdict::Accept => "accept",
            Verdict::SoftFail(_) => "soft_fail",
            Verdict::Reject(_) => "reject",
        });
        Self {
            room,
            id: stored.event_id.clone(),
            content_destroyed: destroyed,
            verdict,
            json,
            content_at,
            content: OnceLock::new(),
            kind: text(members.event_type.as_deref()).unwrap_or_default(),
            sender: text(members.sender.as_deref()).unwrap_or_default(),
            state_key: text(members.state_key.as_deref()),
            redacts: text(members.redacts.as_deref()),
            claimed_at: members.origin_server_ts.and_then(|at| serde_json::from_str(&at).ok()),
        }
    }

    /// As clients see it: one line of JSON.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    pub(crate) fn event_type(&self) -> &str {
        &self.kind
    }

    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }

    pub(crate) fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    /// The sender's own time, in milliseconds since the Unix epoch.
    pub(crate) fn claimed_at(&self) -> Option<u64> {
        self.claimed_at
    }

    /// The content as JSON; empty where there is none.
    pub(crate) fn content_json(&self) -> &str {
        self.content_at.clone().and_then(|at| self.json.get(at)).unwrap_or_default()
    }

    pub(crate) fn content(&self) -> Option<&Map<String, Value>> {
        self.content.get_or_init(|| serde_json::from_str(self.content_json()).ok()).as_ref()
    }

    pub(crate) fn content_text(&self, key: &str) -> Option<&str> {
        self.content()?.get(key)?.as_str()
    }

    /// What the event says, for people: the new text of an edit, the body of a message.
    pub(crate) fn body(&self) -> Option<&str> {
        let edited = self.new_content().and_then(|new| new.get("body")?.as_str());
        edited.or_else(|| self.content_text("body"))
    }

    /// What an edit puts in the place of another event's content; to any other event the member
    /// means nothing (client-server API, "Event replacements").
    pub(crate) fn new_content(&self) -> Option<&Map<String, Value>> {
        match self.relation()? {
            Relation::Replaces(_) => self.content()?.get(NEW_CONTENT)?.as_object(),
            _ => None,
        }
    }

    /// The event that a redaction says it deletes: beside the content in rooms before version 11,
    /// in it since then.
    pub(crate) fn redacts(&self) -> Option<&str> {
        if self.kind != "m.room.redaction" {
            return None;
        }
        self.redacts.as_deref().or_else(|| self.content_text("redacts"))
    }

    pub(crate) fn relation(&self) -> Option<Relation<'_>> {
        relation_of(self.relates_to()?)
    }

    /// The event to which it is a reply.
    pub(crate) fn replies_to(&self) -> Option<&str> {
        self.relates_to()?.get("m.in_reply_to")?.get("event_id")?.as_str()
    }

    /// Whether it is a reply only for clients that show no threads; outside of a thread the member
    /// means nothing (client-server API, "Fallback for unthreaded clients").
    pub(crate) fn replies_as_fallback(&self) -> bool {
        if !matches!(self.relation(), Some(Relation::Thread(_))) {
            return false;
        }
        let fallback = self.relates_to().and_then(|relates| relates.get("is_falling_back"));
        fallback.and_then(Value::as_bool) == Some(true)
    }

    fn relates_to(&self) -> Option<&Value> {
        if !self.may_say(&RELATION) {
            return None;
        }
        self.content()?.get(RELATES_TO)
    }

    /// Media of a server that it names.
    pub(crate) fn media_ids(&self, server: &str) -> Vec<String> {
        let content = if self.may_say(&MEDIA) { self.content() } else { None };
        content.map(|content| media_ids_of(content, server)).unwrap_or_default()
    }

    /// Whether a text may stand in the content. Escapes may hide one.
    fn may_say(&self, text: &Finder<'_>) -> bool {
        may_say(self.content_json().as_bytes(), text)
    }
}

/// Whether a stored event is a message that refers to nothing, by its bytes alone; false where that
/// is not sure.
pub(super) fn is_plain(stored: &PduStored) -> bool {
    static NO_CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"content\":{}"));
    static NOT_PLAIN: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["state_key", "m.room.redaction", "\\u"].map(Finder::new));
    let rest = stored.content.as_ref().map_or(&[][..], |content| &content.rest);
    let whole = stored.content.as_ref().is_some_and(|content| content.whole);
    !stored.is_state
        && !whole
        && stored.residue.is_none()
        && !may_say(rest, &RELATION)
        && MEDIA.find(rest).is_none()
        && NO_CONTENT.find(&stored.redacted).is_some()
        && NOT_PLAIN.iter().all(|text| text.find(&stored.redacted).is_none())
}

static RELATION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(RELATES_TO));
static MEDIA: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("mxc://"));

/// Whether a text may stand in JSON. Escapes may hide one; canonical JSON has few.
fn may_say(json: &[u8], text: &Finder<'_>) -> bool {
    let mut escapes = memchr_iter(b'\\', json);
    text.find(json).is_some()
        || escapes.any(|at| json.get(at + 1).is_some_and(|next| matches!(next, b'u' | b'/')))
}

fn relation_of(relates: &Value) -> Option<Relation<'_>> {
    let target = relates.get("event_id")?.as_str()?;
    match relates.get("rel_type")?.as_str()? {
        "m.replace" => Some(Relation::Replaces(target)),
        "m.annotation" => Some(Relation::Annotates(target, relates.get("key")?.as_str()?)),
        "m.thread" => Some(Relation::Thread(target)),
        _ => None,
    }
}

/// A member of an event that is a string.
fn text(json: Option<&str>) -> Option<String> {
    serde_json::from_str(json?).ok()
}

#[cfg(test)]
mod tests {
    use facts::fact::PduContent;
    use serde_json::json;

    use super::*;

    fn stored(
        redacted: &Value,
        residue: Option<&Value>,
        rest: Option<(&Value, bool)>,
    ) -> PduStored {
        PduStored {
            event_id: "$\"1".to_owned(),
            is_state: false,
            redacted: redacted.to_string().into_bytes(),
            residue: residue.map(|residue| residue.to_string().into_bytes()),
            placement: None,
            content: rest.map(|(rest, whole)| PduContent {
                rest: rest.to_string().into_bytes(),
                whole,
                txn: None,
            }),
        }
    }

    /// What the bytes of an event were made of before there was a short way.
    fn by_tree(stored: &PduStored, destroyed: bool) -> String {
        let mut tree = tree_of(stored, destroyed);
        let shown = ["content", "origin_server_ts", "redacts", "sender", "state_key", "type"];
        tree.retain(|key, _| shown.contains(&key.as_str()));
        tree.insert("event_id".to_owned(), stored.event_id.clone().into());
        tree.insert("room_id".to_owned(), "!r".into());
        Value::Object(tree).to_string()
    }

    #[test]
    fn the_short_way_gives_the_bytes_of_the_long_one() {
        let message = json!({ "content": {}, "sender": "@a:b", "type": "m.room.message",
            "origin_server_ts": 5, "hashes": { "sha256": "x" }, "depth": 3 });
        let member = json!({ "content": { "membership": "join" }, "sender": "@a:b",
            "type": "m.room.member", "state_key": "@a:b", "origin_server_ts": 5 });
        let text = json!({ "content": { "body": "ä\n\"\\\u{7}", "m.relates_to": {
            "rel_type": "m.thread", "event_id": "$t" } }, "unsigned": { "age": 1 } });
        let name = json!({ "content": { "displayname": "A" } });
        let whole = json!({ "content": { "z": 1, "a": [1, { "c": null }] }, "type": "odd",
            "sender": null, "state_key": null });
        for (redacted, residue, rest, short) in [
            (&message, None, Some((&text, false)), true),
            (&message, None, None, true),
            (&message, Some(&name), None, true),
            (&message, Some(&name), Some((&text, false)), false),
            (&member, None, Some((&name, false)), false),
            (&member, None, Some((&json!({}), false)), true),
            (&message, None, Some((&whole, true)), true),
            (&json!({ "content": 7, "type": 8 }), None, Some((&name, false)), false),
            (&json!({}), None, None, true),
            (&json!([]), None, Some((&text, false)), false),
        ] {
            let stored = stored(redacted, residue, rest);
            for destroyed in [false, true] {
                let event = Event::of("!r".to_owned(), &stored, destroyed);
                assert_eq!(event.json(), by_tree(&stored, destroyed));
                let tree: Value = serde_json::from_str(event.json()).unwrap();
                let content = tree.get("content").map(Value::to_string).unwrap_or_default();
                assert_eq!(event.content_json(), content);
                assert_eq!(event.state_key(), tree["state_key"].as_str());
                assert_eq!(event.sender(), tree["sender"].as_str().unwrap_or_default());
            }
            assert_eq!(Members::joined(&stored, false).is_some(), short, "{redacted} {rest:?}");
        }
    }

    #[test]
    fn json_that_is_not_one_line_goes_the_long_way() {
        let mut stored = stored(&json!({}), None, None);
        stored.redacted = b"{\"content\": {\n \"m.relates\\u005fto\": {\"rel_type\": \"m.replace\",
            \"event_id\": \"$1\"}}}"
            .to_vec();
        let event = Event::of("!r".to_owned(), &stored, false);
        assert!(!event.json().contains('\n'));
        assert_eq!(event.relation(), Some(Relation::Replaces("$1")), "escapes hide nothing");
    }
}
