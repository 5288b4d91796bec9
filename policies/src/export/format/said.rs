//! What an event says, for people: whatever a client may have shown of it.
//!
//! Owns which members of a content are its text. Everything else that it holds is told beside, as
//! JSON, so that no client shows what the form does not. Formatted text is told as its source with
//! tags visible: it is somebody's markup, and no markup of the form.

use serde_json::{Map, Value};

use super::safe::{SERVER_LINE, guarded_lines, push_lines};
use crate::export::event::{Event, NEW_CONTENT, RELATES_TO, Relation};

/// Label of the text that most clients show in the place of the body.
pub(super) const FORMATTED: &str = "formatted text, as its HTML source";
const FALLBACK: &str = "text for clients that show no edits";
const FORMATTED_FALLBACK: &str =
    "formatted text for clients that show no edits, as its HTML source";
const REST: &str = "rest of the content";
const LEFT: &str = "what is left";

/// What an event says.
pub(super) struct Said {
    /// The body of a message, of an edit the new one; of other events type, key and content.
    pub(super) text: String,
    /// What there is beside, each with its label.
    pub(super) more: Vec<(&'static str, String)>,
}

impl Said {
    /// All in one text: what was said as it is, and the rest as a transcript has it. A label stands
    /// in a line that no text has.
    pub(super) fn whole(&self) -> String {
        let mut whole = guarded_lines(&self.text);
        for (label, text) in &self.more {
            whole.push_str("\r\n");
            whole.push_str(SERVER_LINE);
            whole.push_str(label);
            whole.push_str("]\r\n");
            push_lines(text, &mut whole);
            whole.truncate(whole.trim_end_matches("\r\n").len());
        }
        whole
    }
}

/// What an event says.
pub(super) fn said(event: &Event) -> Said {
    if event.content_destroyed {
        let nothing = event.state_key().is_none() && matches!(event.content_json(), "" | "{}");
        let more = if nothing { Vec::new() } else { vec![(LEFT, as_json(event))] };
        return Said { text: "(content destroyed)".to_owned(), more };
    }
    match (event.body(), event.content()) {
        (Some(body), Some(content)) if is_message(event) => {
            Said { text: body.to_owned(), more: beside(event, body, content) }
        }
        _ => Said { text: as_json(event), more: Vec::new() },
    }
}

fn is_message(event: &Event) -> bool {
    event.state_key().is_none() && matches!(event.event_type(), "m.room.message" | "m.sticker")
}

/// Type, key or target, and content.
fn as_json(event: &Event) -> String {
    let about = event.state_key().or(event.redacts()).filter(|about| !about.is_empty());
    let parts = [Some(event.event_type()), about, Some(event.content_json())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What a message holds beside its body.
fn beside(event: &Event, body: &str, content: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let mut more = Vec::new();
    let text = |of: &Map<String, Value>, name: &str| {
        of.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let shown = event.new_content().unwrap_or(content);
    let formatted = text(shown, "formatted_body").filter(|formatted| formatted != body);
    more.extend(formatted.clone().map(|formatted| (FORMATTED, formatted)));
    if let Some(new) = event.new_content() {
        let differs = |old: &String, new: &str| old != new && old.strip_prefix("* ") != Some(new);
        let fallback = text(content, "body").filter(|old| differs(old, body));
        more.extend(fallback.map(|old| (FALLBACK, old)));
        let new_formatted = formatted.as_deref().unwrap_or(body);
        let fallback = text(content, "formatted_body").filter(|old| differs(old, new_formatted));
        more.extend(fallback.map(|old| (FORMATTED_FALLBACK, old)));
        more.extend(rest(event, new, true).map(|rest| (REST, rest)));
    }
    more.extend(rest(event, content, false).map(|rest| (REST, rest)));
    more
}

/// Members that are not told otherwise, as JSON; `None` where there are none. What the new content
/// of an edit says of relations and of newer contents means nothing, and is told nowhere else.
fn rest(event: &Event, content: &Map<String, Value>, is_new: bool) -> Option<String> {
    let told = |name: &str, value: &Value| match name {
        "body" | "formatted_body" => value.is_string(),
        "format" => value == "org.matrix.custom.html",
        "msgtype" => value == "m.text",
        "m.mentions" => value.as_object().is_some_and(Map::is_empty),
        RELATES_TO => !is_new && is_told(event, value),
        NEW_CONTENT => !is_new && event.new_content().is_some(),
        _ => false,
    };
    let rest: Map<String, Value> = content
        .iter()
        .filter(|(name, value)| !told(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!rest.is_empty()).then(|| Value::Object(rest).to_string())
}

/// Whether the words about an event's relations tell all that a member says of them.
fn is_told(event: &Event, relates: &Value) -> bool {
    let relation = event.relation();
    let told = |name: &str, value: &Value| match name {
        "rel_type" | "event_id" => relation.is_some(),
        "key" => matches!(relation, Some(Relation::Annotates(..))),
        "is_falling_back" => value.is_boolean(),
        "m.in_reply_to" => {
            let alone = value.as_object().is_some_and(|reply| reply.len() == 1);
            alone
                && event.replies_to().is_some_and(|id| !event.replies_as_fallback() || is_hash(id))
        }
        _ => false,
    };
    relates.as_object().is_some_and(|members| members.iter().all(|(name, value)| told(name, value)))
}

/// Whether an event id is a hash, as in all rooms since version 4: of a reply that is there for
/// other clients only, it says nothing that the thread does not.
fn is_hash(event_id: &str) -> bool {
    const HASH_CHARACTERS: usize = 43;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    event_id
        .strip_prefix('$')
        .is_some_and(|hash| hash.len() == HASH_CHARACTERS && hash.bytes().all(plain))
}
