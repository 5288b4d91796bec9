//! Moving receipts and read markers.

use decide::user::{self as rules, ReceiptKey, SetFullyRead, SetReceipt};
use facts::{
    LogPosition, Timestamp,
    fact::{ReceiptKind, ThreadScope},
};
use ruma::{EventId, RoomId, UserId};

use super::{UserError, own_facts::own};
use crate::WriteSide;

/// A receipt of a local person.
#[derive(Clone, Debug)]
pub struct ReceiptRequest<'a> {
    /// Room id.
    pub room: &'a RoomId,
    /// The event up to which the person has read.
    pub event_id: &'a EventId,
    /// Public or private.
    pub kind: ReceiptKind,
    /// What it covers.
    pub thread: ThreadScope,
    /// The time that the receipt claims.
    pub at: Timestamp,
}

/// Moves a receipt; one that would go backwards is passed over.
pub async fn set_receipt(
    ws: &WriteSide,
    user: &UserId,
    request: &ReceiptRequest<'_>,
) -> Result<(), UserError> {
    let key = ReceiptKey::new(request.room.as_str(), request.kind, &request.thread);
    let mut command = SetReceipt {
        room: request.room.to_string(),
        event_id: request.event_id.to_string(),
        kind: request.kind,
        thread: request.thread.clone(),
        at: request.at,
        position: position(ws, request.event_id.as_str())?,
        current_position: None,
    };
    own(ws, user, |fold| {
        command.current_position = fold.receipts.event(&key).and_then(|event| looked_up(ws, event));
        rules::set_receipt(fold, &command)
    })
    .await
}

/// Moves the read marker of a room.
pub async fn set_fully_read(
    ws: &WriteSide,
    user: &UserId,
    room: &RoomId,
    event_id: &EventId,
) -> Result<(), UserError> {
    let mut command = SetFullyRead {
        room: room.to_string(),
        event_id: event_id.to_string(),
        position: position(ws, event_id.as_str())?,
        current_position: None,
    };
    own(ws, user, |fold| {
        command.current_position =
            fold.fully_read.get(room.as_str()).and_then(|event| looked_up(ws, event));
        rules::set_fully_read(fold, &command)
    })
    .await
}

fn position(ws: &WriteSide, event_id: &str) -> Result<Option<LogPosition>, UserError> {
    Ok(ws.core().event_position(event_id)?)
}

/// Within a decision a store that fails counts as "not known": the receipt then moves, which is
/// harmless, and the fault shows at the next append.
fn looked_up(ws: &WriteSide, event_id: &str) -> Option<LogPosition> {
    ws.core().event_position(event_id).ok().flatten()
}
