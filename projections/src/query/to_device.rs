//! Messages that wait for a device.

use std::sync::Arc;

use facts::{Fact, LogPosition, StreamId};

use super::Snapshot;
use crate::{
    bodies::Body,
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// A message to a device.
#[derive(Clone, Debug)]
pub struct ToDeviceItem {
    /// Its position: acknowledge through it.
    pub position: LogPosition,
    body: Arc<Body>,
}

impl ToDeviceItem {
    /// Sender, event type and JSON of the content.
    pub fn message(&self) -> Option<(&str, &str, &[u8])> {
        match &self.body.fact {
            Fact::ToDeviceQueued(message) => {
                Some((&message.sender, &message.event_type, &message.content))
            }
            _ => None,
        }
    }
}

impl Snapshot {
    /// Whether the message at a position waits for its device. One that the snapshot does not have
    /// yet waits.
    pub fn waits_in_inbox(
        &self,
        inbox: StreamId,
        position: LogPosition,
    ) -> Result<bool, StoreError> {
        let key = Key::new(Table::Inbox).u64(inbox.0).u64(position.0);
        Ok(position > self.position() || self.rows.get(key.as_bytes())?.is_some())
    }

    /// At most `max` messages of an inbox after `since`, oldest first, and whether more wait.
    pub fn to_device(
        &self,
        inbox: StreamId,
        since: LogPosition,
        max: usize,
    ) -> Result<(Vec<ToDeviceItem>, bool), StoreError> {
        let prefix = Key::new(Table::Inbox).u64(inbox.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        let mut items = Vec::new();
        for row in self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward) {
            if items.len() == max {
                return Ok((items, true));
            }
            let position = LogPosition(KeyReader::after(&row?.0, &prefix).u64()?);
            if let Some(body) = self.body(position)? {
                items.push(ToDeviceItem { position, body });
            }
        }
        Ok((items, false))
    }
}
