//! What RSMF has no member for: names and values beside an event.
//!
//! Owns the names.

use serde_json::{Value, json};

use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    format::{FormError, Source},
    item::Item,
};

/// Names and values of what the format has no member for; it takes no empty value.
pub(super) struct Custom {
    pub(super) listed: Vec<Value>,
}

impl Custom {
    pub(super) fn of(item: &Item) -> Self {
        let mut custom = Self { listed: Vec::new() };
        custom.put("log_position", &item.position.to_string());
        custom.put("entry_digest", &hex::encode(item.digest));
        custom
    }

    pub(super) fn put(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.listed.push(json!({ "name": name, "value": value }));
        }
    }

    pub(super) fn put_some(&mut self, name: &str, value: Option<&str>) {
        self.put(name, value.unwrap_or_default());
    }

    /// What an event says, who did it under which name, and what became of it.
    pub(super) fn describe(
        &mut self,
        source: &mut Source<'_>,
        item: &Item,
        event: &Event,
    ) -> Result<(), FormError> {
        self.put("kind", "event");
        self.put("event_id", &event.id);
        self.put("event_type", event.event_type());
        self.put("sender", event.sender());
        let index = source.index;
        let name = index.display_name(&event.room, event.sender(), item.position);
        self.put_some("sender_name", name);
        self.put_some("state_key", event.state_key());
        self.put("sender_time", &event.claimed_at().map_or_else(String::new, iso));
        self.put("content_destroyed", &event.content_destroyed.to_string());
        self.put_some("verdict", event.verdict);
        match event.relation() {
            Some(Relation::Replaces(target)) => self.put("related_event", target),
            Some(Relation::Annotates(target, key)) => {
                self.put("related_event", target);
                self.put("reaction", key);
            }
            Some(Relation::Thread(root)) => self.put("thread", root),
            None => self.put_some("related_event", event.redacts()),
        }
        self.put_some("replies_to", event.replies_to());
        if let Some((deleted_at, by)) = source.redaction(item.position)? {
            self.put("deleted_by", by.sender());
            self.put("deleted_at", &iso(deleted_at));
            self.put("deleted_by_event", &by.id);
            self.put_some("deleted_reason", by.content_text("reason"));
        }
        let by = index.redacted_by(item.position);
        self.put("deleted_by_position", &by.map_or_else(String::new, |by| by.to_string()));
        Ok(())
    }
}
