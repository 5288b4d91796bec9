//! What projecting looks at in an event.
//!
//! Owns the short way to it: most events are stored in two parts of which each field stands in one,
//! and are read without making a tree of their JSON. Whatever has another form takes the long way,
//! over the event as a whole; both give the same. Never reads what a client does not see.

use std::borrow::Cow;

use facts::fact::PduStored;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

/// The fields; strings only, whatever else stands there counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventHead {
    pub(crate) event_type: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) state_key: Option<String>,
    /// Ids of previous events.
    pub(crate) prev_events: Vec<String>,
    pub(crate) membership: Option<String>,
    pub(crate) msgtype: Option<String>,
    /// `m.relates_to`: the parent and the type.
    pub(crate) parent: Option<String>,
    pub(crate) rel_type: Option<String>,
    /// The body calls the whole room.
    pub(crate) names_room: bool,
    /// `m.mentions`, where there is one.
    pub(crate) mentions: Option<Mentions>,
}

/// Whom an event mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Mentions {
    #[serde(default)]
    pub(crate) room: Option<bool>,
    #[serde(default)]
    pub(crate) user_ids: Vec<String>,
}

/// The redacted form. What is absent there, and stands in the rest, is no plain event's.
#[derive(Deserialize)]
struct Redacted<'a> {
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    state_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prev_events: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    content: RedactedContent<'a>,
}

#[derive(Deserialize)]
struct RedactedContent<'a> {
    #[serde(borrow)]
    membership: Option<Cow<'a, str>>,
    msgtype: Option<IgnoredAny>,
    body: Option<IgnoredAny>,
    #[serde(rename = "m.relates_to")]
    relates_to: Option<IgnoredAny>,
    #[serde(rename = "m.mentions")]
    mentions: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Rest<'a> {
    #[serde(rename = "type")]
    event_type: Option<IgnoredAny>,
    sender: Option<IgnoredAny>,
    state_key: Option<IgnoredAny>,
    prev_events: Option<IgnoredAny>,
    #[serde(borrow, default)]
    content: RestContent<'a>,
}

#[derive(Default, Deserialize)]
struct RestContent<'a> {
    membership: Option<IgnoredAny>,
    #[serde(borrow)]
    msgtype: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "m.relates_to")]
    relates_to: Option<RelatesTo<'a>>,
    #[serde(rename = "m.mentions")]
    mentions: Option<Mentions>,
}

#[derive(Deserialize)]
struct RelatesTo<'a> {
    #[serde(borrow)]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    rel_type: Option<Cow<'a, str>>,
}

impl Redacted<'_> {
    /// Holds what only the rest of a plain event has.
    fn overlaps(&self) -> bool {
        let RedactedContent { msgtype, body, relates_to, mentions, .. } = &self.content;
        [msgtype, body, relates_to, mentions].into_iter().any(Option::is_some)
    }
}

impl Rest<'_> {
    /// Holds what only the redacted form of a plain event has.
    fn overlaps(&self) -> bool {
        let Self { event_type, sender, state_key, prev_events, content } = self;
        [event_type, sender, state_key, prev_events, &content.membership]
            .into_iter()
            .any(Option::is_some)
    }
}

/// The whole room is called by this text.
fn names_room(body: &str) -> bool {
    body.contains("@room")
}

impl EventHead {
    /// The short way; `None` where the event has not the form for it.
    pub(super) fn plain(stored: &PduStored) -> Option<Self> {
        let content = stored.content.as_ref()?;
        if stored.residue.is_some() || content.whole {
            return None;
        }
        let redacted: Redacted<'_> = serde_json::from_slice(&stored.redacted).ok()?;
        let rest: Rest<'_> = serde_json::from_slice(&content.rest).ok()?;
        if redacted.overlaps() || rest.overlaps() {
            return None;
        }
        let (parent, rel_type) = match rest.content.relates_to {
            Some(relates_to) => (relates_to.event_id, relates_to.rel_type),
            None => (None, None),
        };
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Some(Self {
            event_type: Some(redacted.event_type.into_owned()),
            sender: Some(redacted.sender.into_owned()),
            state_key: owned(redacted.state_key),
            prev_events: redacted.prev_events.into_iter().map(Cow::into_owned).collect(),
            membership: owned(redacted.content.membership),
            msgtype: owned(rest.content.msgtype),
            parent: owned(parent),
            rel_type: owned(rel_type),
            names_room: rest.content.body.is_some_and(|body| names_room(&body)),
            mentions: rest.content.mentions,
        })
    }

    /// The long way, over the whole event.
    pub(super) fn of(event: &Map<String, Value>) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let content = event.get("content");
        let content = |key: &str| content.and_then(|content| content.get(key));
        let relates_to = |key: &str| content("m.relates_to").and_then(|to| to.get(key));
        let listed = event.get("prev_events").and_then(Value::as_array);
        // Room versions 1 and 2 list pairs of id and hashes.
        let id =
            |entry: &Value| entry.as_str().or_else(|| entry.get(0)?.as_str()).map(str::to_owned);
        Self {
            event_type: text(event.get("type")),
            sender: text(event.get("sender")),
            state_key: text(event.get("state_key")),
            prev_events: listed.into_iter().flatten().filter_map(id).collect(),
            membership: text(content("membership")),
            msgtype: text(content("msgtype")),
            parent: text(relates_to("event_id")),
            rel_type: text(relates_to("rel_type")),
            names_room: content("body").and_then(Value::as_str).is_some_and(names_room),
            mentions: content("m.mentions").map(Mentions::of),
        }
    }
}

impl Mentions {
    fn of(mentions: &Value) -> Self {
        let ids = mentions.get("user_ids").and_then(Value::as_array);
        let id = |id: &Value| id.as_str().map(str::to_owned);
        Self {
            room: mentions.get("room").and_then(Value::as_bool),
            user_ids: ids.into_iter().flatten().filter_map(id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use facts::fact::PduContent;
    use serde_json::json;

    use super::*;

    fn stored(redacted: &Value, rest: &Value) -> PduStored {
        PduStored {
            event_id: "$one".to_owned(),
            is_state: false,
            redacted: redacted.to_string().into_bytes(),
            residue: None,
            placement: None,
            content: Some(PduContent {
                rest: rest.to_string().into_bytes(),
                whole: false,
                txn: None,
            }),
        }
    }

    fn skeleton() -> Value {
        json!({
            "type": "m.room.message", "sender": "@a:b", "prev_events": ["$p", "$q"],
            "content": {}, "hashes": {"sha256": "x"},
        })
    }

    /// The parts' top level and content put together.
    fn whole(redacted: &Value, rest: &Value) -> Map<String, Value> {
        let mut whole = redacted.as_object().expect("an object").clone();
        for (key, value) in rest.as_object().expect("an object") {
            match (whole.get_mut(key), value) {
                (Some(Value::Object(into)), Value::Object(from)) => into.extend(from.clone()),
                _ => {
                    whole.insert(key.clone(), value.clone());
                }
            }
        }
        whole
    }

    #[test]
    fn the_short_way_and_the_long_one_read_the_same() {
        let mut member = skeleton();
        member["type"] = "m.room.member".into();
        member["state_key"] = "@a:b".into();
        member["content"] = json!({"membership": "join"});
        let contents = [
            json!({}),
            json!({"msgtype": "m.text", "body": "hello @room"}),
            json!({"msgtype": "m.text", "body": "h\u{e4}\n", "m.mentions": {}}),
            json!({"m.mentions": {"room": true, "user_ids": ["@c:d", "@e:f"]}}),
            json!({"m.relates_to": {"event_id": "$p", "rel_type": "m.thread", "x": {"y": [1]}}}),
            json!({"m.relates_to": {"m.in_reply_to": {"event_id": "$p"}}}),
        ];
        for redacted in [skeleton(), member] {
            for content in &contents {
                let rest = json!({"content": content, "org.chancery.salt": "s"});
                let short = EventHead::plain(&stored(&redacted, &rest)).expect("it is plain");
                assert_eq!(short, EventHead::of(&whole(&redacted, &rest)), "{content}");
            }
            let rest = json!({});
            let short = EventHead::plain(&stored(&redacted, &rest)).expect("it is plain");
            assert_eq!(short, EventHead::of(&whole(&redacted, &rest)));
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_long_way() {
        let plain = json!({"content": {"body": "x"}});
        for rest in [
            json!({"content": {"body": 5}}),
            json!({"content": {"membership": "join"}}),
            json!({"content": {"m.mentions": {"user_ids": [1]}}}),
            json!({"content": {"m.relates_to": "$p"}}),
            json!({"sender": "@other:b"}),
            json!({"content": "x"}),
            json!([]),
        ] {
            assert_eq!(EventHead::plain(&stored(&skeleton(), &rest)), None, "{rest}");
        }
        let mut pairs = skeleton();
        pairs["prev_events"] = json!([["$p", {"sha256": "x"}]]);
        assert_eq!(EventHead::plain(&stored(&pairs, &plain)), None);
        let mut kept = skeleton();
        kept["content"] = json!({"body": "kept"});
        assert_eq!(EventHead::plain(&stored(&kept, &plain)), None);
        let mut broken = stored(&skeleton(), &plain);
        broken.content.as_mut().expect("content").rest.truncate(5);
        assert_eq!(EventHead::plain(&broken), None);
        broken.content = None;
        assert_eq!(EventHead::plain(&broken), None);
    }
}
