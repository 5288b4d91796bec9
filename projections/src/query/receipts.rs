//! Read receipts of a room.

use facts::{
    LogPosition, StreamId, Timestamp,
    fact::{ReceiptKind, ThreadScope},
};

use super::Snapshot;
use crate::{
    client_view::{
        receipts::receipt_key,
        recent::Change,
        rows::{ReceiptLogRow, ReceiptRow},
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptItem {
    /// Who has read.
    pub user: StreamId,
    /// Public or private; private ones are for the user alone.
    pub kind: ReceiptKind,
    /// What it covers.
    pub thread: ThreadScope,
    /// The event up to which it was read.
    pub event_id: String,
    /// The time that it claims.
    pub at: Timestamp,
    /// Position of the fact.
    pub position: LogPosition,
}

impl Snapshot {
    /// The receipts of a room that moved in (since, upto], at most `max` of the newest. With
    /// `since` 0 these are all current ones.
    pub fn receipts_since(
        &self,
        room: StreamId,
        since: LogPosition,
        max: usize,
    ) -> Result<Vec<ReceiptItem>, StoreError> {
        if !self.may_have(Change::Receipt(room), since) {
            return Ok(Vec::new());
        }
        let prefix = Key::new(Table::ReceiptLog).u64(room.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        let mut items = Vec::new();
        for row in
            self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Backward).take(max)
        {
            let (key, value) = row?;
            let position = LogPosition(KeyReader::after(&key, &prefix).u64()?);
            let of: ReceiptLogRow = decode(Table::ReceiptLog.into(), &value)?;
            if let Some(receipt) = self.receipt(room, StreamId(of.user), of.kind, &of.thread)?
                && !self.is_receipt_hidden(receipt.user, room, receipt.position)?
            {
                items.push(ReceiptItem { position, ..receipt });
            }
        }
        Ok(items)
    }

    /// The current receipt of a user.
    pub fn receipt(
        &self,
        room: StreamId,
        user: StreamId,
        kind: ReceiptKind,
        thread: &ThreadScope,
    ) -> Result<Option<ReceiptItem>, StoreError> {
        let key = receipt_key(room, user, kind, thread);
        let row: Option<ReceiptRow> = self.rows.get_row(&key)?;
        Ok(row.map(|row| ReceiptItem {
            user,
            kind,
            thread: thread.clone(),
            event_id: row.event_id,
            at: row.at,
            position: LogPosition(row.position),
        }))
    }
}
