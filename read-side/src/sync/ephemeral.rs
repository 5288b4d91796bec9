//! Typing and receipts of a room in `/sync`.

use std::collections::BTreeMap;

use facts::{
    LogPosition, StreamId,
    fact::{ReceiptKind, ThreadScope},
};
use projections::query::ReceiptItem;
use serde_json::{Map, Value, json};

use super::answer::Look;
use crate::fault::ReadFault;

/// Receipts told at once; the newest ones.
const RECEIPTS_MAX: usize = 1_000;

/// Receipts that moved since the client knew the room; all current ones where it did not.
pub(super) fn moved_receipts(
    look: &Look<'_>,
    room: StreamId,
    known: Option<LogPosition>,
) -> Result<Vec<ReceiptItem>, ReadFault> {
    Ok(look.snapshot.receipts_since(room, known.unwrap_or_default(), RECEIPTS_MAX)?)
}

/// Typing and receipts, as the filter wants them.
pub(super) fn events(
    look: &Look<'_>,
    room: StreamId,
    room_id: &str,
    known: Option<LogPosition>,
    moved: Vec<ReceiptItem>,
) -> Result<Vec<Value>, ReadFault> {
    let mut events = Vec::new();
    if look.asker.filter.wants_ephemeral(room_id, "m.typing") {
        let since = if known.is_some() { look.typing_since } else { 0 };
        if let Some(typists) = look.typing.changed_since(room, since, look.now) {
            events.push(json!({ "type": "m.typing", "content": { "user_ids": typists } }));
        }
    }
    if look.asker.filter.wants_ephemeral(room_id, "m.receipt")
        && let Some(content) = receipts(look, moved)?
    {
        events.push(json!({ "type": "m.receipt", "content": content }));
    }
    Ok(events)
}

/// Everybody's public receipts and the reader's private ones.
fn receipts(look: &Look<'_>, moved: Vec<ReceiptItem>) -> Result<Option<Value>, ReadFault> {
    let mut by_event: BTreeMap<String, BTreeMap<&str, Map<String, Value>>> = BTreeMap::new();
    for receipt in moved {
        let kind = match receipt.kind {
            ReceiptKind::Read => "m.read",
            ReceiptKind::ReadPrivate if receipt.user == look.asker.user => "m.read.private",
            ReceiptKind::ReadPrivate => continue,
        };
        let Some(user_id) = look.snapshot.name(receipt.user)? else { continue };
        let mut value = json!({ "ts": receipt.at.0 });
        let thread = match &receipt.thread {
            ThreadScope::Unthreaded => None,
            ThreadScope::Main => Some("main"),
            ThreadScope::Thread(of) => Some(of.as_str()),
        };
        if let (Some(thread), Some(value)) = (thread, value.as_object_mut()) {
            value.insert("thread_id".to_owned(), Value::from(thread));
        }
        let users = by_event.entry(receipt.event_id).or_default().entry(kind).or_default();
        // One event may hold a threaded and an unthreaded receipt of a user; the format has room
        // for one, and the unthreaded one covers more.
        if receipt.thread == ThreadScope::Unthreaded || !users.contains_key(&user_id) {
            users.insert(user_id, value);
        }
    }
    Ok((!by_event.is_empty()).then(|| json!(by_event)))
}
