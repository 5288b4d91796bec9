//! An event of a room, as an export shows it.
//!
//! Owns the joining of its stored parts into the JSON that clients see. Most events are joined
//! byte for byte: their parts are canonical JSON and share no member but an empty content. The
//! others are read as trees and written again, which gives the same bytes. The content is read as
//! a tree only when somebody asks for something in it.

use std::{
    borrow::Cow,
    ops::Range,
    sync::{LazyLock, OnceLock},
};

use facts::fact::{PduStored, Verdict};
use memchr::{memchr_iter, memchr2, memmem::Finder};
use projections::bodies::join_part;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, value::RawValue};

use super::media::media_ids_of;

/// The member of a content that refers to another event.
const RELATES_TO: &str = "m.relates_to";

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
        let edited = self.content().and_then(|content| content.get("m.new_content"));
        edited.and_then(|new| new.get("body")?.as_str()).or_else(|| self.content_text("body"))
    }

    pub(crate) fn relation(&self) -> Option<Relation<'_>> {
        relation_of(self.relates_to()?)
    }

    /// The event to which it is a reply.
    pub(crate) fn replies_to(&self) -> Option<&str> {
        self.relates_to()?.get("m.in_reply_to")?.get("event_id")?.as_str()
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

/// The members of an event that are shown (client-server API, "Room event format"), as JSON.
#[derive(Default)]
struct Members<'a> {
    content: Option<Cow<'a, str>>,
    origin_server_ts: Option<Cow<'a, str>>,
    redacts: Option<Cow<'a, str>>,
    sender: Option<Cow<'a, str>>,
    state_key: Option<Cow<'a, str>>,
    event_type: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    /// The members byte for byte; `None` where trees are needed to join them.
    fn joined(stored: &'a PduStored, destroyed: bool) -> Option<Self> {
        let content = stored.content.as_ref().filter(|_| !destroyed);
        let parts = match content {
            Some(content) if content.whole => [None, None, Some(&content.rest)],
            _ => {
                let residue = stored.residue.as_ref().filter(|_| !destroyed);
                [Some(&stored.redacted), residue, content.map(|content| &content.rest)]
            }
        };
        let mut members = Self::default();
        for part in parts.into_iter().flatten() {
            // An array would be read as members in order.
            part.starts_with(b"{").then_some(())?;
            members.take(&serde_json::from_slice(part).ok()?)?;
        }
        Some(members)
    }

    /// Takes the members of another part.
    fn take(&mut self, part: &Part<'a>) -> Option<()> {
        for (into, from) in [
            (&mut self.content, part.content),
            (&mut self.origin_server_ts, part.origin_server_ts),
            (&mut self.redacts, part.redacts),
            (&mut self.sender, part.sender),
            (&mut self.state_key, part.state_key),
            (&mut self.event_type, part.event_type),
        ] {
            let Some(from) = from.map(RawValue::get) else { continue };
            // A line of an export is one line.
            if memchr2(b'\n', b'\r', from.as_bytes()).is_some() {
                return None;
            }
            match into {
                None => *into = Some(Cow::Borrowed(from)),
                Some(there) if there == "{}" && from.starts_with('{') => {
                    *into = Some(Cow::Borrowed(from));
                }
                Some(there) if from == "{}" && there.starts_with('{') => {}
                Some(_) => return None,
            }
        }
        Some(())
    }

    fn of_tree(tree: &Map<String, Value>) -> Self {
        let member = |name: &str| tree.get(name).map(|value| Cow::Owned(value.to_string()));
        Self {
            content: member("content"),
            origin_server_ts: member("origin_server_ts"),
            redacts: member("redacts"),
            sender: member("sender"),
            state_key: member("state_key"),
            event_type: member("type"),
        }
    }

    /// The line, and where its content is.
    fn line(&self, event_id: &str, room: &str) -> (String, Option<Range<usize>>) {
        let quoted = |text: &str| Some(Cow::Owned(Value::from(text).to_string()));
        let (event_id, room) = (quoted(event_id), quoted(room));
        let members = [
            ("\"content\":", &self.content),
            ("\"event_id\":", &event_id),
            ("\"origin_server_ts\":", &self.origin_server_ts),
            ("\"redacts\":", &self.redacts),
            ("\"room_id\":", &room),
            ("\"sender\":", &self.sender),
            ("\"state_key\":", &self.state_key),
            ("\"type\":", &self.event_type),
        ];
        let length = |member: &Option<Cow<'_, str>>| member.as_ref().map_or(0, |text| text.len());
        let bytes =
            members.iter().map(|(name, member)| 1 + name.len() + length(member)).sum::<usize>() + 1;
        let mut line = String::with_capacity(bytes);
        let mut content_at = None;
        for (name, member) in members {
            let Some(member) = member else { continue };
            // Without a content, the id is the first.
            line.push_str(if line.is_empty() { "{" } else { "," });
            line.push_str(name);
            line.push_str(member);
            content_at.get_or_insert(line.len() - member.len()..line.len());
        }
        line.push('}');
        (line, content_at.filter(|_| self.content.is_some()))
    }
}

/// Of one stored part, what is shown.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, deserialize_with = "there")]
    content: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    origin_server_ts: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    redacts: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    sender: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    state_key: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there", rename = "type")]
    event_type: Option<&'a RawValue>,
}

/// A member that is there, `null` too.
fn there<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The event as a tree, whatever its parts are.
fn tree_of(stored: &PduStored, destroyed: bool) -> Map<String, Value> {
    let mut whole = object(&stored.redacted);
    if destroyed {
        return whole;
    }
    if let Some(residue) = &stored.residue {
        join_part(&mut whole, object(residue));
    }
    match &stored.content {
        Some(content) if content.whole => object(&content.rest),
        Some(content) => {
            join_part(&mut whole, object(&content.rest));
            whole
        }
        None => whole,
    }
}

fn object(bytes: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(bytes).unwrap_or_default()
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
