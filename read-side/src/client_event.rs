//! Events as clients see them (client-server API, "Room event format").
//!
//! Owns the step from a PDU to a client event: only the fields that clients know, `event_id` and
//! `room_id` added, `unsigned` made for this reader. The salt and everything of the graph stay
//! behind. Never decides who may see an event.

use facts::{LogPosition, StreamId, Timestamp};
use projections::{
    Snapshot,
    query::{EventInfo, Membership, StoreError},
};
use serde_json::{Map, Value, json};

/// Fields of a PDU that clients see as they are.
const CLIENT_FIELDS: [&str; 5] = ["type", "sender", "state_key", "origin_server_ts", "content"];

/// Who reads, and when.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) user: StreamId,
    pub(crate) user_id: &'a str,
    pub(crate) device_id: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// Formats the events of one room.
pub(crate) struct EventWriter<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) room_id: &'a str,
    pub(crate) reader: Reader<'a>,
    /// `/sync` leaves the room id out: it stands above the events.
    pub(crate) with_room_id: bool,
}

impl EventWriter<'_> {
    /// The event at a position; `None` where nothing readable is left of it.
    pub(crate) fn at(&self, position: LogPosition) -> Result<Option<Value>, StoreError> {
        match self.snapshot.event_at(position)? {
            Some(event) => self.event(&event).map(Some),
            None => Ok(None),
        }
    }

    /// An event with everything in `unsigned` that the reader is owed.
    pub(crate) fn event(&self, event: &EventInfo) -> Result<Value, StoreError> {
        let mut out = self.bare(event);
        let unsigned = self.unsigned(event)?;
        if !unsigned.is_empty() {
            out.insert("unsigned".to_owned(), Value::Object(unsigned));
        }
        Ok(Value::Object(out))
    }

    /// An event without `unsigned`.
    fn bare(&self, event: &EventInfo) -> Map<String, Value> {
        let shown = event.shown();
        let mut out: Map<String, Value> = CLIENT_FIELDS
            .iter()
            .filter_map(|field| Some(((*field).to_owned(), shown.get(*field)?.clone())))
            .collect();
        out.insert("event_id".to_owned(), Value::from(event.body.event_id.as_str()));
        if self.with_room_id {
            out.insert("room_id".to_owned(), Value::from(self.room_id));
        }
        add_redacts(shown, &mut out);
        out
    }

    fn unsigned(&self, event: &EventInfo) -> Result<Map<String, Value>, StoreError> {
        let mut unsigned = Map::new();
        if let Some(sent) = event.shown().get("origin_server_ts").and_then(Value::as_i64) {
            let now = i64::try_from(self.reader.now.0).unwrap_or(i64::MAX);
            unsigned.insert("age".to_owned(), Value::from(now.saturating_sub(sent).max(0)));
        }
        if let Some(txn) = self.own_txn(event) {
            unsigned.insert("transaction_id".to_owned(), Value::from(txn));
        }
        self.add_membership(event, &mut unsigned)?;
        if event.row.state.is_some() {
            self.add_replaced(event, &mut unsigned)?;
        }
        match event.redacted_by {
            Some(by) => {
                if let Some(redaction) = self.snapshot.event_at(by)? {
                    let redaction = Value::Object(self.bare(&redaction));
                    unsigned.insert("redacted_because".to_owned(), redaction);
                }
            }
            None => self.add_relations(event, &mut unsigned)?,
        }
        Ok(unsigned)
    }

    /// The transaction id, for the device that sent the event.
    fn own_txn<'e>(&self, event: &'e EventInfo) -> Option<&'e str> {
        let txn = event.body.txn.as_ref()?;
        let own = event.str("sender") == Some(self.reader.user_id)
            && self.reader.device_id == Some(txn.device_id.as_str());
        own.then_some(txn.txn_id.as_str())
    }

    /// The reader's membership at the event (`unsigned.membership`, v1.11).
    fn add_membership(
        &self,
        event: &EventInfo,
        unsigned: &mut Map<String, Value>,
    ) -> Result<(), StoreError> {
        let now = self.snapshot.membership(self.reader.user, event.room())?;
        let membership = match now {
            Some(now)
                if event.row.in_step
                    && event.row.placed >= now.since
                    && now.membership == Membership::Join =>
            {
                Some(Membership::Join)
            }
            _ => {
                let input = self.snapshot.visibility_input(
                    event.position,
                    self.reader.user,
                    self.reader.user_id,
                )?;
                input.membership_after
            }
        };
        let text = membership.map_or("leave", membership_text);
        unsigned.insert("membership".to_owned(), Value::from(text));
        Ok(())
    }

    fn add_replaced(
        &self,
        event: &EventInfo,
        unsigned: &mut Map<String, Value>,
    ) -> Result<(), StoreError> {
        let Some(replaced) = self.snapshot.replaces(event.position)? else { return Ok(()) };
        let Some(replaced) = self.snapshot.event_at(replaced)? else { return Ok(()) };
        unsigned.insert("replaces_state".to_owned(), replaced.body.event_id.as_str().into());
        if let Some(content) = replaced.content() {
            unsigned.insert("prev_content".to_owned(), Value::Object(content.clone()));
            let sender = replaced.str("sender").unwrap_or_default();
            unsigned.insert("prev_sender".to_owned(), Value::from(sender));
        }
        Ok(())
    }

    /// Bundled aggregations: the newest edit, references, thread summary.
    fn add_relations(
        &self,
        event: &EventInfo,
        unsigned: &mut Map<String, Value>,
    ) -> Result<(), StoreError> {
        if event.row.state.is_some() {
            return Ok(());
        }
        let mut bundle = Map::new();
        if let Some(edit) = self.newest_edit(event)? {
            bundle.insert("m.replace".to_owned(), edit);
        }
        if let Some(references) = self.references(event)? {
            bundle.insert("m.reference".to_owned(), references);
        }
        if let Some(thread) = self.thread_summary(event)? {
            bundle.insert("m.thread".to_owned(), thread);
        }
        if !bundle.is_empty() {
            unsigned.insert("m.relations".to_owned(), Value::Object(bundle));
        }
        Ok(())
    }

    /// Only the original sender's edits of the same type count (spec, "Event replacements").
    fn newest_edit(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let (sender, event_type) = (event.str("sender"), event.str("type"));
        let accept = |position| {
            let edit = self.snapshot.event_at(position)?;
            Ok(edit.is_some_and(|edit| {
                edit.redacted_by.is_none()
                    && edit.row.accepted
                    && edit.str("sender") == sender
                    && edit.str("type") == event_type
            }))
        };
        let room = event.room();
        let found = self.snapshot.last_relation(room, &event.body.event_id, "m.replace", accept)?;
        let Some(position) = found else { return Ok(None) };
        let edit = self.snapshot.event_at(position)?;
        Ok(edit.map(|edit| Value::Object(self.bare(&edit))))
    }

    fn references(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let chunk = self
            .related(event, "m.reference")?
            .into_iter()
            .map(|related| json!({ "event_id": related.body.event_id }))
            .collect::<Vec<_>>();
        Ok((!chunk.is_empty()).then(|| json!({ "chunk": chunk })))
    }

    fn thread_summary(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let replies = self.related(event, "m.thread")?;
        let Some(latest) = replies.last() else { return Ok(None) };
        let participated =
            self.snapshot.participated(self.reader.user, event.room(), &event.body.event_id)?;
        Ok(Some(json!({
            "latest_event": Value::Object(self.bare(latest)),
            "count": replies.len(),
            "current_user_participated": participated,
        })))
    }

    fn related(&self, event: &EventInfo, rel_type: &str) -> Result<Vec<EventInfo>, StoreError> {
        use projections::query::{Direction, PageItem, RelationFilter, RelationPage};
        let filter = RelationFilter { rel_type: Some(rel_type), event_type: None };
        let items = self.snapshot.relations(
            event.room(),
            &event.body.event_id,
            filter,
            RelationPage { from: None, direction: Direction::Forward, max: RELATED_MAX },
        )?;
        let mut related = Vec::new();
        for item in items {
            if let PageItem::Event { event, .. } = item
                && let Some(info) = self.snapshot.event_at(event)?
                && info.row.accepted
                && info.redacted_by.is_none()
            {
                related.push(info);
            }
        }
        Ok(related)
    }
}

/// Related events that one bundle looks at.
const RELATED_MAX: usize = 1_000;

/// Clients of all ages find `redacts` both at the top and in the content (room version 11).
fn add_redacts(shown: &Map<String, Value>, out: &mut Map<String, Value>) {
    if out.get("type").and_then(Value::as_str) != Some("m.room.redaction") {
        return;
    }
    let inner = shown.get("content").and_then(|content| content.get("redacts"));
    let Some(redacts) = shown.get("redacts").or(inner).cloned() else { return };
    if let Some(Value::Object(content)) = out.get_mut("content") {
        content.entry("redacts").or_insert_with(|| redacts.clone());
    }
    out.entry("redacts").or_insert(redacts);
}

/// A membership on the wire.
pub(crate) fn membership_text(membership: Membership) -> &'static str {
    match membership {
        Membership::Join => "join",
        Membership::Invite => "invite",
        Membership::Leave => "leave",
        Membership::Ban => "ban",
        Membership::Knock => "knock",
    }
}

/// The stripped form of an event (client-server API, "Stripped state").
pub(crate) fn stripped(event: &EventInfo) -> Value {
    let shown = event.shown();
    let fields = ["type", "sender", "state_key", "content"];
    Value::Object(
        fields
            .into_iter()
            .filter_map(|field| Some((field.to_owned(), shown.get(field)?.clone())))
            .collect(),
    )
}
