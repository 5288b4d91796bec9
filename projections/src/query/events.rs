//! Single events.

use std::sync::Arc;

use decide::policy::Extent;
use facts::{LogPosition, StreamId};
use serde_json::{Map, Value};

use super::{EventRow, Snapshot};
use crate::{
    bodies::EventBody,
    client_view::{
        lookup::{event_position, event_row},
        relations::relation_of,
        rows::RedactedRow,
        table::Table,
    },
    store::{Key, Rows, StoreError},
};

/// An event with everything that serving it takes.
#[derive(Clone, Debug)]
pub struct EventInfo {
    /// Position of its `PduStored` entry.
    pub position: LogPosition,
    /// Where it stands.
    pub row: EventRow,
    /// Its JSON.
    pub body: Arc<EventBody>,
    /// Position of the redaction that took effect on it first.
    pub redacted_by: Option<LogPosition>,
    /// Its content is over, or waits to be destroyed: it is shown redacted.
    pub content_hidden: bool,
}

impl EventInfo {
    /// The room's stream.
    pub fn room(&self) -> StreamId {
        self.row.room
    }

    /// The form that is shown: redacted where a redaction took effect or the content is gone, or is
    /// hidden by a policy.
    ///
    /// Still a PDU: it carries `hashes`, `auth_events` and so on, and no `unsigned`.
    pub fn shown(&self) -> &Map<String, Value> {
        if self.redacted_by.is_some() || self.content_hidden {
            self.body.redacted()
        } else {
            self.body.full()
        }
    }

    /// Whether the shown form still says that it relates to another event. The view keeps its row
    /// of a relation when the content is destroyed or hidden; one that is built later has none.
    pub fn is_related(&self) -> bool {
        self.redacted_by.is_none() && !self.content_hidden && relation_of(&self.body).is_some()
    }

    /// A string at the top level of the shown form.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.shown().get(key).and_then(Value::as_str)
    }

    /// The content of the shown form.
    pub fn content(&self) -> Option<&Map<String, Value>> {
        self.shown().get("content").and_then(Value::as_object)
    }
}

impl Snapshot {
    /// The position of an event, whatever became of it.
    pub fn event_position(&self, event_id: &str) -> Result<Option<LogPosition>, StoreError> {
        event_position(&self.rows, event_id)
    }

    /// Where the event at a position stands.
    pub fn event_row(&self, position: LogPosition) -> Result<Option<EventRow>, StoreError> {
        event_row(&self.rows, position)
    }

    /// An event by id, whatever its verdict; `None` where it is not known or not readable, or is
    /// over by the policies.
    pub fn event(&self, event_id: &str) -> Result<Option<EventInfo>, StoreError> {
        match self.event_position(event_id)? {
            Some(position) => self.event_at(position),
            None => Ok(None),
        }
    }

    /// An event by position.
    pub fn event_at(&self, position: LogPosition) -> Result<Option<EventInfo>, StoreError> {
        let (Some(row), Some(body)) = (self.event_row(position)?, self.event_body(position)?)
        else {
            return Ok(None);
        };
        let redacted_by = self.redacted_by(position)?;
        let hidden = self.hidden_event(position, &row, &body, redacted_by)?;
        // State is never hidden whole: a room without it could not be understood.
        if hidden == Some(Extent::Whole) && row.state.is_none() {
            return Ok(None);
        }
        let content_hidden = hidden.is_some();
        Ok(Some(EventInfo { position, row, body, redacted_by, content_hidden }))
    }

    /// The redaction that took effect first on an event, in this snapshot.
    pub fn redacted_by(&self, target: LogPosition) -> Result<Option<LogPosition>, StoreError> {
        Ok(self.redaction_of(target)?.map(|(by, _)| by))
    }

    /// The redaction that took effect first on an event, and the entry that says so.
    pub fn redaction_of(
        &self,
        target: LogPosition,
    ) -> Result<Option<(LogPosition, LogPosition)>, StoreError> {
        let key = Key::new(Table::Redacted).u64(target.0);
        let row: Option<RedactedRow> = self.rows.get_row(&key)?;
        Ok(row.map(|row| (LogPosition(row.by), LogPosition(row.applied))))
    }

    /// The event that a redaction took effect on; a redaction without one is shown to nobody.
    pub fn redaction_target(
        &self,
        redaction: LogPosition,
    ) -> Result<Option<LogPosition>, StoreError> {
        let key = Key::new(Table::RedactionApplied).u64(redaction.0);
        Ok(self.rows.get_u64(&key)?.map(LogPosition))
    }
}
