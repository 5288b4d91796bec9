//! A PDU as clients see it.
//!
//! Owns the client-server forms of an event (client-server API, "Room event format", "Stripped
//! state"). Only the keys that the format names are shown, so hashes, signatures, graph links and
//! the salt never leave.

use ruma::{CanonicalJsonObject, CanonicalJsonValue, events::TimelineEventType};

use super::Pdu;

/// Top-level keys that clients see as they are.
const SHOWN: &[&str] = &["content", "origin_server_ts", "redacts", "sender", "state_key", "type"];
/// Keys of stripped state.
const STRIPPED: &[&str] = &["content", "sender", "state_key", "type"];

impl Pdu {
    /// The event for clients, with the `unsigned` that was computed for the reader.
    pub fn client_event(&self, unsigned: Option<CanonicalJsonObject>) -> CanonicalJsonObject {
        let mut event = self.pick(SHOWN);
        event.insert("event_id".to_owned(), self.event_id().as_str().into());
        event.insert("room_id".to_owned(), self.room_id().as_str().into());
        if *self.event_type() == TimelineEventType::RoomRedaction {
            self.show_redacts(&mut event);
        }
        if let Some(unsigned) = unsigned.filter(|unsigned| !unsigned.is_empty()) {
            event.insert("unsigned".to_owned(), CanonicalJsonValue::Object(unsigned));
        }
        event
    }

    /// The event as stripped state of an invite or a knock.
    pub fn stripped_event(&self) -> CanonicalJsonObject {
        self.pick(STRIPPED)
    }

    /// Older clients read `redacts` beside the content, newer ones inside: both get it.
    fn show_redacts(&self, event: &mut CanonicalJsonObject) {
        let Some(target) = self.redacts() else {
            return;
        };
        let target: CanonicalJsonValue = target.as_str().into();
        event.insert("redacts".to_owned(), target.clone());
        if let Some(CanonicalJsonValue::Object(content)) = event.get_mut("content") {
            content.insert("redacts".to_owned(), target);
        }
    }

    fn pick(&self, keys: &[&str]) -> CanonicalJsonObject {
        keys.iter()
            .filter_map(|key| {
                let value = self.json().get(*key)?;
                Some(((*key).to_owned(), value.clone()))
            })
            .collect()
    }
}
