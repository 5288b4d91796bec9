//! The JSON of an event that clients see, out of its stored parts.
//!
//! Owns the joining. Most events are joined byte for byte: their parts are canonical JSON and share
//! no member but an empty content. The others are read as trees and written again, which gives the
//! same bytes.

use std::{borrow::Cow, ops::Range};

use facts::fact::PduStored;
use memchr::memchr2;
use projections::bodies::join_part;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, value::RawValue};

/// The members of an event that are shown (client-server API, "Room event format"), as JSON.
#[derive(Default)]
pub(super) struct Members<'a> {
    pub(super) content: Option<Cow<'a, str>>,
    pub(super) origin_server_ts: Option<Cow<'a, str>>,
    pub(super) redacts: Option<Cow<'a, str>>,
    pub(super) sender: Option<Cow<'a, str>>,
    pub(super) state_key: Option<Cow<'a, str>>,
    pub(super) event_type: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    /// The members byte for byte; `None` where trees are needed to join them.
    pub(super) fn joined(stored: &'a PduStored, destroyed: bool) -> Option<Self> {
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

    pub(super) fn of_tree(tree: &Map<String, Value>) -> Self {
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
    pub(super) fn line(&self, event_id: &str, room: &str) -> (String, Option<Range<usize>>) {
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
pub(super) fn tree_of(stored: &PduStored, destroyed: bool) -> Map<String, Value> {
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
