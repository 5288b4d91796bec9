//! Content of a room's current state.

use decide::room::RoomFold;
use ruma::{CanonicalJsonObject, RoomId};

use super::act::RoomError;
use crate::{CommandError, WriteSide};

/// The content of a place with the empty state key; `None` where nothing is there.
pub(crate) async fn state_content(
    write_side: &WriteSide,
    fold: &RoomFold,
    event_type: &str,
) -> Result<Option<CanonicalJsonObject>, RoomError> {
    state_content_at(write_side, fold, event_type, "").await
}

/// The content of a place of the current state.
pub(crate) async fn state_content_at(
    write_side: &WriteSide,
    fold: &RoomFold,
    event_type: &str,
    state_key: &str,
) -> Result<Option<CanonicalJsonObject>, RoomError> {
    let Some(entry) = fold.state_entry(event_type, state_key) else {
        return Ok(None);
    };
    let stored = write_side.pdu(fold.room_id(), &entry.event_id).await?;
    Ok(stored.and_then(|stored| stored.pdu.content_object().cloned()))
}

/// The content of a room's state of this type as it is now; empty where there is none, or no such
/// room.
pub async fn current_content(
    write_side: &WriteSide,
    room: &RoomId,
    event_type: &str,
) -> Result<CanonicalJsonObject, RoomError> {
    let content = match write_side.room(room).await {
        Ok(fold) => state_content(write_side, &fold, event_type).await?,
        Err(CommandError::Refusal(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(content.unwrap_or_default())
}
