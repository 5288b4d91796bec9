//! Moving receipts and read markers, forward only.
//!
//! Where an event stands is known to its room; the caller looks up both events, this one and the
//! one that the receipt names now ([`super::Receipts::event`], [`UserFold::fully_read`]).

use facts::{
    LogPosition, Timestamp,
    fact::{ReceiptKind, ReceiptSet, ThreadScope},
};
use serde_json::json;

use super::{
    AccountDataKey, Decision, FULLY_READ, ReceiptKey, UserFold, UserRefusal,
    set_account_data::account_data,
};

/// A receipt to move.
#[derive(Clone, Debug)]
pub struct SetReceipt {
    /// Room id.
    pub room: String,
    /// The event up to which the person has read.
    pub event_id: String,
    /// Public or private.
    pub kind: ReceiptKind,
    /// What it covers.
    pub thread: ThreadScope,
    /// The time that the receipt claims.
    pub at: Timestamp,
    /// Where the event stands; `None` where it is not known.
    pub position: Option<LogPosition>,
    /// Where the event stands that the receipt names now.
    pub current_position: Option<LogPosition>,
}

/// A read marker to move.
#[derive(Clone, Debug)]
pub struct SetFullyRead {
    /// Room id.
    pub room: String,
    /// The event up to which the person has read.
    pub event_id: String,
    /// Where the event stands; `None` where it is not known.
    pub position: Option<LogPosition>,
    /// Where the event stands that the marker names now.
    pub current_position: Option<LogPosition>,
}

/// Decides a receipt; nothing where it would go backwards or stand still.
pub fn set_receipt(fold: &UserFold, command: &SetReceipt) -> Decision {
    let key = ReceiptKey::new(&command.room, command.kind, &command.thread);
    if fold.receipts.event(&key) == Some(&command.event_id)
        || !forward(command.current_position, command.position)
    {
        return Ok(Vec::new());
    }
    Ok(vec![
        ReceiptSet {
            room: command.room.clone(),
            event_id: command.event_id.clone(),
            kind: command.kind,
            thread: command.thread.clone(),
            at: command.at,
        }
        .into(),
    ])
}

/// Decides a read marker; nothing where it would go backwards or stand still.
pub fn set_fully_read(fold: &UserFold, command: &SetFullyRead) -> Decision {
    if command.event_id.len() > 255 {
        return Err(UserRefusal::InvalidParam("the event id"));
    }
    if fold.fully_read.get(&command.room) == Some(&command.event_id)
        || !forward(command.current_position, command.position)
    {
        return Ok(Vec::new());
    }
    let key = AccountDataKey::room(&command.room, FULLY_READ);
    let content = json!({ "event_id": command.event_id }).to_string();
    account_data(fold, &key, Some(&content))
}

/// Whether to move. An event that is not known yields to one that is; of two that are not known
/// the later word counts.
fn forward(current: Option<LogPosition>, new: Option<LogPosition>) -> bool {
    match (current, new) {
        (Some(current), Some(new)) => new > current,
        (Some(_), None) => false,
        (None, _) => true,
    }
}
