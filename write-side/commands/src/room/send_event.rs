//! Sending an event: messages, state, redactions.
//!
//! Owns what a client's transaction id means here: one event, however often the request comes,
//! across restarts, for 30 days. A retry in flight waits for the first and gives its event id.

use decide::room::NewEvent;
use ruma::RoomId;

use super::{
    RoomCommandRefusal,
    act::{RoomError, Sent},
};
use crate::{CommandError, Fault, TxnKey, ViewWait, Wish, WriteSide};

/// Sends an event of one of our users to a room that we are in.
///
/// Membership has commands of its own; here is what clients send by `send`, `state` and `redact`
/// endpoints.
pub async fn send_event(
    write_side: &WriteSide,
    room: &RoomId,
    event: NewEvent,
) -> Result<Sent, RoomError> {
    write_side
        .ask_gate(Wish::Send {
            sender: &event.sender,
            room,
            event_type: &event.event_type.to_string(),
        })
        .await?;
    let Some(txn) = event.txn.clone() else {
        return send(write_side, room, &event).await;
    };
    let key = TxnKey {
        user: write_side.ensure_user(&event.sender)?,
        scope: write_side.known_room(room)?,
        txn,
    };
    let turn = write_side.client_txn_turn(&key).await?;
    let answer = match write_side.core().txn(&key, write_side.now())? {
        Some(done) => {
            write_side.core().settle(done.position, ViewWait::Bounded).await?;
            sent_at(write_side, room, done.position).await
        }
        None => send(write_side, room, &event).await,
    };
    drop(turn);
    answer
}

/// The fold remembers the latest transactions too: the decision names what one of them made.
async fn send(write_side: &WriteSide, room: &RoomId, event: &NewEvent) -> Result<Sent, RoomError> {
    write_side.act(room, |_| Ok(event.into())).await
}

async fn sent_at(
    write_side: &WriteSide,
    room: &RoomId,
    position: facts::LogPosition,
) -> Result<Sent, RoomError> {
    // It may be destroyed since; its id stays.
    let event_id = write_side.event_id_at(room, position).await?;
    let event_id = event_id.ok_or_else(|| {
        CommandError::<RoomCommandRefusal>::from(Fault::Unfit(format!(
            "position {position} holds no event of the room"
        )))
    })?;
    Ok(Sent { event_id, is_new: false })
}
