//! Moving a receipt of somebody who is in the room.

use commands::user::{ReceiptRequest, set_receipt};
use facts::fact::{ReceiptKind, ThreadScope};
use http_edge::{MatrixError, Session};
use ruma::{EventId, RoomId, events::room::member::MembershipState};

use crate::{WriteEndpoints, errors::EndpointError};

/// Refuses those who are not in the room.
pub(super) async fn require_member(
    state: &WriteEndpoints,
    session: &Session,
    room: &RoomId,
) -> Result<(), EndpointError> {
    let fold = state.write_side.room(room).await?;
    if fold.membership(&session.user) == MembershipState::Join {
        Ok(())
    } else {
        Err(MatrixError::forbidden("You are not in this room").into())
    }
}

/// Moves a receipt; it claims the time of now.
pub(super) async fn move_receipt(
    state: &WriteEndpoints,
    session: &Session,
    room: &RoomId,
    event_id: &EventId,
    kind: ReceiptKind,
    thread: ThreadScope,
) -> Result<(), EndpointError> {
    let request = ReceiptRequest { room, event_id, kind, thread, at: state.write_side.now() };
    set_receipt(&state.write_side, &session.user, &request).await?;
    Ok(())
}
