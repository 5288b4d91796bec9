//! Messages to the device in `/sync`.
//!
//! At most [`MESSAGES_MAX`] at once: the token says how far the device got, apart from the
//! position of everything else, so nothing is skipped and nothing is acknowledged unseen.

use facts::LogPosition;
use projections::Snapshot;
use serde_json::{Value, json};

use super::answer::{Asker, Look};
use crate::fault::ReadFault;

/// Messages in one answer.
const MESSAGES_MAX: usize = 100;

/// Whether the inbox still holds messages up to and including `through`.
pub(super) fn holds_through(
    snapshot: &Snapshot,
    asker: &Asker,
    through: LogPosition,
) -> Result<bool, ReadFault> {
    let Some(device_id) = &asker.device_id else { return Ok(false) };
    let Some(inbox) = snapshot.inbox(&asker.user_id, device_id)? else { return Ok(false) };
    let (oldest, _) = snapshot.to_device(inbox, LogPosition(0), 1)?;
    Ok(oldest.first().is_some_and(|message| message.position <= through))
}

/// The messages, and the position up to which the device then has them.
pub(super) fn section(look: &Look<'_>) -> Result<(Vec<Value>, LogPosition), ReadFault> {
    let upto = look.snapshot.position();
    let since = look.since.map_or(LogPosition(0), |since| since.to_device);
    let Some(device_id) = &look.asker.device_id else { return Ok((Vec::new(), upto)) };
    let Some(inbox) = look.snapshot.inbox(&look.asker.user_id, device_id)? else {
        return Ok((Vec::new(), upto));
    };
    let (items, more) = look.snapshot.to_device(inbox, since, MESSAGES_MAX)?;
    let reached = match items.last() {
        Some(last) if more => last.position,
        _ => upto,
    };
    let events = items
        .iter()
        .filter_map(|item| {
            let (sender, event_type, content) = item.message()?;
            let content: Value = serde_json::from_slice(content).ok()?;
            Some(json!({ "sender": sender, "type": event_type, "content": content }))
        })
        .collect();
    Ok((events, reached))
}
