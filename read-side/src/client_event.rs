//! Events as clients see them (client-server API, "Room event format").
//!
//! Owns the step from a PDU to a client event: only the fields that clients know, `event_id` and
//! `room_id` added, `unsigned` made for this reader. The salt and everything of the graph stay
//! behind. Never decides who may see an event.

mod bundle;
mod erased;

use facts::{LogPosition, Timestamp, pdu::SALT_KEY};
use projections::{
    Snapshot,
    query::{EventInfo, Membership, StoreError},
};
use serde_json::{Map, Value};

use self::bundle::Bundle;
use crate::visibility::Viewer;

/// Fields of a PDU that clients see as they are.
const CLIENT_FIELDS: [&str; 5] = ["type", "sender", "state_key", "origin_server_ts", "content"];

/// Who reads, and when.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) viewer: &'a Viewer<'a>,
    pub(crate) device_id: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventForm {
    /// With the room id.
    Client,
    /// As `/sync` has them: the room id stands above the events.
    WithoutRoomId,
    /// The whole PDU, for filters with `event_format: federation`. Without the salt, which
    /// clients never see.
    Federation,
}

/// Formats the events of one room.
pub(crate) struct EventWriter<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) room_id: &'a str,
    pub(crate) reader: Reader<'a>,
    pub(crate) form: EventForm,
    /// Whether aggregations of child events are bundled.
    pub(crate) bundles: bool,
}

impl<'a> EventWriter<'a> {
    /// A writer of events in full, for all endpoints but `/sync`.
    pub(crate) fn new(snapshot: &'a Snapshot, room_id: &'a str, reader: Reader<'a>) -> Self {
        Self { snapshot, room_id, reader, form: EventForm::Client, bundles: true }
    }

    /// The event at a position; `None` where nothing readable is left of it.
    pub(crate) fn at(&self, position: LogPosition) -> Result<Option<Value>, StoreError> {
        match self.snapshot.event_at(position)? {
            Some(event) => self.event(&event).map(Some),
            None => Ok(None),
        }
    }

    /// An event with everything in `unsigned` that the reader is owed.
    pub(crate) fn event(&self, event: &EventInfo) -> Result<Value, StoreError> {
        self.written(event, self.owed())
    }

    /// The redacted form of an event that is kept from the reader while what relates to it is not
    /// (client-server API, `getThreadRoots`).
    pub(crate) fn hidden(&self, event: &EventInfo) -> Result<Value, StoreError> {
        self.hidden_with(event, self.owed())
    }

    /// What is bundled with an event that is asked for.
    fn owed(&self) -> Bundle {
        if self.bundles { Bundle::WHOLE } else { Bundle::NOTHING }
    }

    fn hidden_with(&self, event: &EventInfo, bundle: Bundle) -> Result<Value, StoreError> {
        let mut out = self.bare(&event.body.event_id, event.body.redacted());
        let unsigned = self.unsigned(event, bundle.without_edit())?;
        out.insert("unsigned".to_owned(), Value::Object(unsigned));
        Ok(Value::Object(out))
    }

    fn written(&self, event: &EventInfo, bundle: Bundle) -> Result<Value, StoreError> {
        if self.is_erased(event)? {
            return self.hidden_with(event, bundle);
        }
        let mut out = self.bare(&event.body.event_id, event.shown());
        let unsigned = self.unsigned(event, bundle)?;
        if !unsigned.is_empty() {
            out.insert("unsigned".to_owned(), Value::Object(unsigned));
        }
        Ok(Value::Object(out))
    }

    /// An event without `unsigned`.
    fn bare(&self, event_id: &str, shown: &Map<String, Value>) -> Map<String, Value> {
        let mut out: Map<String, Value> = match self.form {
            EventForm::Federation => shown.clone(),
            EventForm::Client | EventForm::WithoutRoomId => CLIENT_FIELDS
                .iter()
                .filter_map(|field| Some(((*field).to_owned(), shown.get(*field)?.clone())))
                .collect(),
        };
        out.remove(SALT_KEY);
        out.insert("event_id".to_owned(), Value::from(event_id));
        if self.form == EventForm::Client {
            out.insert("room_id".to_owned(), Value::from(self.room_id));
        }
        if self.form != EventForm::Federation {
            add_redacts(shown, &mut out);
        }
        out
    }

    fn unsigned(
        &self,
        event: &EventInfo,
        bundle: Bundle,
    ) -> Result<Map<String, Value>, StoreError> {
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
        if let Some(by) = event.redacted_by
            && let Some(redaction) = self.snapshot.event_at(by)?
        {
            let redaction = self.bare(&redaction.body.event_id, self.shown_of(&redaction)?);
            unsigned.insert("redacted_because".to_owned(), Value::Object(redaction));
        }
        if let Some(relations) = self.bundle(event, bundle)? {
            unsigned.insert("m.relations".to_owned(), Value::Object(relations));
        }
        Ok(unsigned)
    }

    /// The transaction id, for the device that sent the event.
    fn own_txn<'e>(&self, event: &'e EventInfo) -> Option<&'e str> {
        let txn = event.body.txn()?;
        let own = event.str("sender") == Some(self.reader.viewer.user_id)
            && self.reader.device_id == Some(txn.device_id.as_str());
        own.then_some(txn.txn_id.as_str())
    }

    /// The reader's membership at the event (`unsigned.membership`, v1.11).
    fn add_membership(
        &self,
        event: &EventInfo,
        unsigned: &mut Map<String, Value>,
    ) -> Result<(), StoreError> {
        let membership = if self.was_joined_all_along(event)? {
            Some(Membership::Join)
        } else {
            let viewer = self.reader.viewer;
            let seen =
                self.snapshot.visibility_input(event.position, viewer.user, viewer.user_id)?;
            seen.membership_after
        };
        let text = membership.map_or("leave", membership_text);
        unsigned.insert("membership".to_owned(), Value::from(text));
        Ok(())
    }

    /// Joined at the event, and ever since; the event's state needs no look then.
    fn was_joined_all_along(&self, event: &EventInfo) -> Result<bool, StoreError> {
        let now = self.snapshot.membership(self.reader.viewer.user, event.room())?;
        Ok(now.is_some_and(|now| {
            event.row.in_step && event.row.placed >= now.since && now.membership == Membership::Join
        }))
    }

    fn add_replaced(
        &self,
        event: &EventInfo,
        unsigned: &mut Map<String, Value>,
    ) -> Result<(), StoreError> {
        let Some(replaced) = self.snapshot.replaces(event.position)? else { return Ok(()) };
        let Some(replaced) = self.snapshot.event_at(replaced)? else { return Ok(()) };
        unsigned.insert("replaces_state".to_owned(), replaced.body.event_id.as_str().into());
        if let Some(content) = self.shown_of(&replaced)?.get("content") {
            unsigned.insert("prev_content".to_owned(), content.clone());
            let sender = replaced.str("sender").unwrap_or_default();
            unsigned.insert("prev_sender".to_owned(), Value::from(sender));
        }
        Ok(())
    }
}

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
